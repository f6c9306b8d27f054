// The one type for secret bytes: keys, shares, PSRD, pads, one-time keys, and every text that contains them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace dske {

/// Overwrites `bytes` with zeros in a way that the compiler cannot remove (explicit_bzero).
void wipe(MutableByteView bytes) noexcept;

/// Whether `a` and `b` are equal. Takes the same time for all contents of one length; leaks only the lengths.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b) noexcept;

/// A growable buffer of secret bytes that is wiped when it is destroyed, moved from, shrunk or reallocated.
///
/// Move-only, so that a copy is always visible as clone(). It has no operator== (use constant_time_equal) and
/// no formatter, so it cannot be printed by accident. The daemons lock their memory (base/process.h), so the
/// contents do not reach swap where the limits allow it. Not thread-safe. Running out of memory ends the
/// process.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  /// `size` zero bytes.
  explicit SecretBytes(std::size_t size);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  /// A copy of `bytes`.
  [[nodiscard]] static SecretBytes copy_of(ByteView bytes);
  [[nodiscard]] static SecretBytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }
  [[nodiscard]] SecretBytes clone() const { return copy_of(view()); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_; }
  [[nodiscard]] std::uint8_t* data() noexcept { return data_; }

  /// Views are valid until the next call that changes the size.
  [[nodiscard]] ByteView view() const noexcept { return {data_, size_}; }
  [[nodiscard]] MutableByteView span() noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept { return as_text(view()); }

  void append(ByteView bytes);
  void append(std::string_view text) { append(as_bytes(text)); }
  void push_back(std::uint8_t byte);
  /// Grows with zero bytes or shrinks; what is cut off is wiped.
  void resize(std::size_t size);
  void reserve(std::size_t capacity);
  /// Wipes the contents and keeps the memory.
  void clear() noexcept;

 private:
  void release() noexcept;

  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace dske
