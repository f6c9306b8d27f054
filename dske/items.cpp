#include "dske/items.h"

#include <algorithm>

namespace dske {

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
  return bytes;
}

void ItemWriter::bytes(ByteView item) {
  const auto length = big_endian(item.size());
  buffer_.insert(buffer_.end(), length.begin(), length.end());
  buffer_.insert(buffer_.end(), item.begin(), item.end());
}

ByteView ItemReader::bytes() {
  std::uint64_t length = 0;
  if (failed_ || left_.size() < sizeof(length)) {
    failed_ = true;
    return {};
  }
  for (std::size_t i = 0; i < sizeof(length); ++i) length = length << 8 | left_[i];
  left_ = left_.subspan(sizeof(length));
  if (length > left_.size()) {
    failed_ = true;
    return {};
  }
  const ByteView item = left_.first(length);
  left_ = left_.subspan(length);
  return item;
}

std::uint64_t ItemReader::number(std::uint64_t most) {
  const ByteView item = bytes();
  std::uint64_t value = 0;
  for (const std::uint8_t byte : item) value = value << 8 | byte;
  if (item.size() != sizeof(value) || value > most) {
    failed_ = true;
    return 0;
  }
  return value;
}

Uuid ItemReader::uuid() {
  const ByteView item = bytes();
  std::array<std::uint8_t, Uuid::kBytes> bytes{};
  if (item.size() != bytes.size()) {
    failed_ = true;
    return {};
  }
  std::copy(item.begin(), item.end(), bytes.begin());
  return Uuid(bytes);
}

}  // namespace dske
