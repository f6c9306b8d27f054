// JSON (RFC 8259) read strictly and written plainly. The only place that includes RapidJSON. Texts may hold
// keys and shares, so both directions work in wiped memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske::json {

/// One value inside a Document; valid as long as the Document.
class Value {
 public:
  Value() = default;
  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_object() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool is_bool() const;
  [[nodiscard]] bool is_number() const;
  /// The value's kind for messages: "an object", "a string" ...
  [[nodiscard]] std::string_view kind() const;

  /// The text, boolean or number; nothing if it is of another kind or, for integers, not an exact one in
  /// range.
  [[nodiscard]] std::optional<std::string_view> string() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::optional<double> number() const;  ///< may differ from the text in the last binary places

  /// The elements of an array, empty for anything else.
  [[nodiscard]] std::vector<Value> elements() const;
  /// The member of an object, if there is one.
  [[nodiscard]] std::optional<Value> member(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> member_names() const;

 private:
  friend class Document;
  explicit Value(const void* raw) : raw_(raw) {}
  const void* raw_ = nullptr;
};

/// A parsed text. It owns a private, wiped copy of the text.
class Document {
 public:
  /// One complete JSON value in UTF-8 with nothing after it but white space, nested at most 32 deep, no name
  /// twice in one object. The error says what is wrong and at which byte.
  [[nodiscard]] static Result<Document> parse(std::string_view text);

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  [[nodiscard]] Value root() const;

 private:
  struct Content;
  explicit Document(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

/// Whether members that were never asked for are an error.
enum class UnknownMembers { refuse, ignore };

/// Takes an object apart, member by member. The getters return a harmless value once something was wrong, and
/// finish() tells the first thing that was, naming the member: so a parser reads straight down and checks
/// once.
class ObjectReader {
 public:
  /// `what` names the object in messages, for example "key share".
  ObjectReader(Value value, std::string what);

  [[nodiscard]] bool has(std::string_view name) const;
  std::string_view string(std::string_view name, std::size_t most_bytes);
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most);
  bool boolean(std::string_view name);
  /// Base64 that decodes to between `least` and `most` bytes.
  SecretBytes base64(std::string_view name, std::size_t least, std::size_t most);
  /// The elements of an array of at most `most`.
  std::vector<Value> array(std::string_view name, std::size_t most);
  Value object(std::string_view name);
  /// Any value at all.
  Value any(std::string_view name);

  /// Parses the text of a member by T::parse (names and ids).
  template <class T>
  T parsed(std::string_view name, std::size_t most_bytes = 512) {
    const std::string_view text = string(name, most_bytes);
    if (failed()) return T();
    auto value = T::parse(text);
    if (!value) {
      fail(name, value.error().message);
      return T();
    }
    return std::move(*value);
  }

  /// Records that a member is wrong, for checks beyond the getters'.
  void fail(std::string_view name, std::string_view reason);
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  /// The first error, or nothing. With UnknownMembers::refuse, a member that no getter asked for is one.
  [[nodiscard]] std::optional<Error> finish(UnknownMembers unknown);

 private:
  std::optional<Value> get(std::string_view name);

  Value value_;
  std::string what_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

/// Writes one JSON value, compactly. Members and elements appear in the order of the calls; the caller pairs
/// begin and end.
class Writer {
 public:
  Writer();
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& name(std::string_view name);
  Writer& string(std::string_view text);  ///< must be UTF-8
  Writer& integer(std::int64_t value);
  Writer& number(double value);  ///< null if it is not finite: JSON has no such numbers
  Writer& boolean(bool value);
  Writer& null();
  Writer& base64(ByteView bytes);  ///< as a string, in constant time
  /// Another JSON value, written as it is read.
  Writer& value(Value value);

  /// The finished text; the writer is empty afterwards.
  [[nodiscard]] SecretBytes take();
  /// The finished text as a plain string, for values without secrets.
  [[nodiscard]] std::string take_text();

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace dske::json
