// Reads the vector files of tests/data: blocks of `key = value` lines, separated by empty lines.
//
//   # a comment
//   [Valid]
//   Secret = 7465737400
//   Share = 1 b9fa07e185        (a key may occur again in a block)
//
// [Valid] and [Invalid] say what follows; the default is valid. Whatever is wrong with a file throws
// std::runtime_error with the file's name and line, so that the test fails.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace dske::test {

/// The bytes of hexadecimal text, of either case.
[[nodiscard]] Bytes from_hex(std::string_view hex);
[[nodiscard]] std::string to_hex(ByteView bytes);

class Vector {
 public:
  /// Where it stands, "FILE:LINE", for INFO() and CAPTURE().
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] bool valid() const { return valid_; }

  [[nodiscard]] bool has(const std::string& key) const;
  /// The value of a key that occurs exactly once.
  [[nodiscard]] std::string text(const std::string& key) const;
  /// All values of a key, in their order; at least one.
  [[nodiscard]] std::vector<std::string> texts(const std::string& key) const;
  [[nodiscard]] Bytes bytes(const std::string& key) const;           ///< a value in hexadecimal
  [[nodiscard]] std::uint64_t number(const std::string& key) const;  ///< a value in decimal

 private:
  friend std::vector<Vector> read_vectors(const std::string& path);

  std::string where_;
  bool valid_ = true;
  std::vector<std::pair<std::string, std::string>> entries_;
};

/// The vectors of the file at `path`, relative to tests/data; at least one.
[[nodiscard]] std::vector<Vector> read_vectors(const std::string& path);

}  // namespace dske::test
