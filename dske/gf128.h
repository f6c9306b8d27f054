// Arithmetic in GF(2^128) as in GCM (NIST SP 800-38D, section 6.3): modulo x^128 + x^7 + x^2 + x + 1, and the
// first bit of the first byte is the coefficient of x^0. Constant time in all values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace dske {

/// Which code multiplies. Both give the same elements; production takes the fastest, tests and benchmarks
/// name one.
enum class ClmulPath {
  portable,  ///< integer multiplication of operands with holes
  pclmul,    ///< the CPU's carry-less multiplication, eight products to a reduction
};

/// Whether this CPU can run `path`.
[[nodiscard]] bool is_supported(ClmulPath path) noexcept;

/// The best supported path, found once. Thread-safe.
[[nodiscard]] ClmulPath fastest_clmul_path() noexcept;

/// An element. A plain value: whoever puts a secret into one wipes it.
struct Gf128 {
  static constexpr std::size_t kSize = 16;  ///< bytes of an element

  std::uint64_t low = 0;   ///< the last eight bytes, as a big-endian number
  std::uint64_t high = 0;  ///< the first eight bytes; its top bit is the coefficient of x^0

  /// The neutral element of multiplication.
  [[nodiscard]] static constexpr Gf128 one() noexcept { return {0, std::uint64_t{1} << 63}; }
  [[nodiscard]] static Gf128 from_bytes(std::span<const std::uint8_t, kSize> bytes) noexcept;
  [[nodiscard]] std::array<std::uint8_t, kSize> to_bytes() const noexcept;
};

/// Addition, which is also subtraction.
[[nodiscard]] constexpr Gf128 operator^(Gf128 a, Gf128 b) noexcept {
  return {a.low ^ b.low, a.high ^ b.high};
}

[[nodiscard]] Gf128 multiply(Gf128 a, Gf128 b, ClmulPath path = fastest_clmul_path()) noexcept;

/// The value of a polynomial at one point by Horner's rule, from the highest coefficient down. Wipes itself.
class Gf128Horner {
 public:
  explicit Gf128Horner(Gf128 point, ClmulPath path = fastest_clmul_path()) noexcept;
  ~Gf128Horner();
  Gf128Horner(const Gf128Horner&) = delete;
  Gf128Horner& operator=(const Gf128Horner&) = delete;

  /// value = value * point + coefficient.
  void step(Gf128 coefficient) noexcept;

  /// A step for each 16-byte block of `blocks`, from the last block to the first. REQUIRES: its size is a
  /// multiple of 16.
  void steps_backwards(ByteView blocks) noexcept;

  /// The value so far: 0 before the first step.
  [[nodiscard]] Gf128 value() const noexcept { return value_; }

 private:
  static constexpr std::size_t kAggregated = 8;

  ClmulPath path_;
  [[maybe_unused]] bool has_powers_ = false;
  Gf128 point_;
  Gf128 value_;
  std::array<Gf128, kAggregated> powers_;  ///< element i prepared from point^(i+1); made when they pay
};

}  // namespace dske
