#include "base/secret.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <openssl/crypto.h>
#include <strings.h>

namespace dske {

void wipe(MutableByteView bytes) noexcept {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

bool constant_time_equal(ByteView a, ByteView b) noexcept {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

SecretBytes::SecretBytes(std::size_t size) {
  resize(size);
}

SecretBytes::~SecretBytes() {
  release();
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy;
  copy.append(bytes);
  return copy;
}

void SecretBytes::append(ByteView bytes) {
  if (bytes.empty()) return;
  if (size_ + bytes.size() > capacity_) {
    // The bytes may be this buffer's own, which growing gives back.
    SecretBytes longer;
    longer.reserve(std::max(size_ + bytes.size(), 2 * capacity_));
    longer.append(view());
    longer.append(bytes);
    *this = std::move(longer);
    return;
  }
  std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void SecretBytes::push_back(std::uint8_t byte) {
  append(ByteView(&byte, 1));
}

void SecretBytes::resize(std::size_t size) {
  if (size < size_) {
    wipe({data_ + size, size_ - size});
  } else if (size > size_) {
    reserve(size);
    std::memset(data_ + size_, 0, size - size_);
  }
  size_ = size;
}

void SecretBytes::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  auto* bigger = static_cast<std::uint8_t*>(std::malloc(capacity));
  if (bigger == nullptr) std::abort();
  if (size_ != 0) std::memcpy(bigger, data_, size_);
  const std::size_t size = size_;
  release();
  data_ = bigger;
  size_ = size;
  capacity_ = capacity;
}

void SecretBytes::clear() noexcept {
  resize(0);
}

void SecretBytes::release() noexcept {
  if (data_ != nullptr) {
    wipe({data_, size_});
    std::free(data_);
  }
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

}  // namespace dske
