// Lists of items, each preceded by its length as 8 bytes, big-endian: the unambiguous form in which
// everything is authenticated, and in which contexts are stored (docs/protocol.md).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/names.h"
#include "base/uuid.h"

namespace dske {

/// A number as an item: 8 bytes, big-endian.
[[nodiscard]] std::array<std::uint8_t, 8> big_endian(std::uint64_t value);

/// For items that are not secret.
class ItemWriter {
 public:
  void bytes(ByteView item);
  void text(std::string_view item) { bytes(as_bytes(item)); }
  void number(std::uint64_t item) { bytes(big_endian(item)); }
  [[nodiscard]] Bytes take() { return std::move(buffer_); }

 private:
  Bytes buffer_;
};

/// Reads items back. After a fault every getter returns an empty value, and finished() is false.
class ItemReader {
 public:
  explicit ItemReader(ByteView bytes) : left_(bytes) {}

  ByteView bytes();
  std::string_view text() { return as_text(bytes()); }
  std::uint64_t number(std::uint64_t most);
  Uuid uuid();
  template <class T>
  T parsed() {
    auto value = T::parse(text());
    if (value) return std::move(*value);
    failed_ = true;
    return T();
  }

  [[nodiscard]] bool failed() const { return failed_; }
  /// Nothing was wrong and nothing is left.
  [[nodiscard]] bool finished() const { return !failed_ && left_.empty(); }

 private:
  ByteView left_;
  bool failed_ = false;
};

}  // namespace dske
