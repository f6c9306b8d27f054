// Configuration files in YAML, read strictly: every error names file, line and column. The only place that
// includes yaml-cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dske::yaml {

/// One node of a Document; it keeps the document alive.
class Node {
 public:
  [[nodiscard]] bool is_mapping() const;
  [[nodiscard]] bool is_sequence() const;
  [[nodiscard]] bool is_scalar() const;
  [[nodiscard]] bool is_null() const;
  /// A scalar's text, empty for anything else.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::vector<Node> elements() const;
  [[nodiscard]] std::optional<Node> member(std::string_view name) const;
  /// "FILE:LINE:COLUMN", counted from 1.
  [[nodiscard]] std::string place() const;
  /// An error that begins with place().
  [[nodiscard]] Error error(const std::string& reason) const;

 private:
  friend class MappingReader;
  friend Result<Node> parse(std::string_view text, const std::string& file);
  struct Content;
  explicit Node(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

/// Parses one document. Anchors and aliases, repeated names and more than 1 MiB are refused. `file` is named
/// in errors.
[[nodiscard]] Result<Node> parse(std::string_view text, const std::string& file);
[[nodiscard]] Result<Node> parse_file(const std::filesystem::path& path);

/// Takes a mapping apart like json::ObjectReader does an object: read straight down, then ask finish() once.
/// A name that no getter asked for is an error that names it and its line.
class MappingReader {
 public:
  explicit MappingReader(Node node);

  [[nodiscard]] bool has(std::string_view name) const;
  /// The scalar's text; without a default the member must be there.
  std::string text(std::string_view name, std::optional<std::string> otherwise = std::nullopt);
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most,
                       std::optional<std::int64_t> otherwise = std::nullopt);
  bool boolean(std::string_view name, std::optional<bool> otherwise = std::nullopt);
  /// The members of a sequence; none if it is absent.
  std::vector<Node> sequence(std::string_view name);
  /// A sequence of scalars; none if it is absent.
  std::vector<std::string> texts(std::string_view name);
  /// A scalar alone, or a sequence of scalars; none if it is absent.
  std::vector<std::string> one_or_more(std::string_view name);
  /// A nested mapping, if it is there.
  std::optional<Node> mapping(std::string_view name);

  /// Parses the text of a member by T::parse.
  template <class T>
  T parsed(std::string_view name) {
    const std::string value = text(name);
    if (failed()) return T();
    auto made = T::parse(value);
    if (!made) {
      fail(name, made.error().message);
      return T();
    }
    return std::move(*made);
  }

  void fail(std::string_view name, const std::string& reason);
  void fail(const Error& error);
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] std::optional<Error> finish();

 private:
  std::optional<Node> get(std::string_view name, bool required);

  Node node_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

}  // namespace dske::yaml
