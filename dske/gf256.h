// Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, the field of AES (FIPS 197, section 4), for secret
// sharing.
//
// Constant time in every value but the scalar of the span functions: that is an x coordinate, or a Lagrange
// coefficient made of x coordinates, and public. There are no tables in memory.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace dske {

/// Which code runs the span functions of gf256. All give the same bytes; production takes the fastest, tests
/// and benchmarks name one.
enum class GfPath {
  portable,  ///< eight bytes at a time in a 64-bit word
  avx2,      ///< 32 bytes at a time, tables of 16 products held in registers
  gfni,      ///< 32 bytes at a time, the CPU's own multiplication in this field
};

/// Whether this CPU, and the operating system, can run `path`.
[[nodiscard]] bool is_supported(GfPath path) noexcept;

/// The best supported path, found once. Thread-safe.
[[nodiscard]] GfPath fastest_gf_path() noexcept;

namespace gf256 {

[[nodiscard]] std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept;

/// The multiplicative inverse; 0 for 0.
[[nodiscard]] std::uint8_t inverse(std::uint8_t a) noexcept;

/// out[i] += scalar * in[i]. The spans have one size, and are the same or do not overlap. `scalar` is public.
void multiply_add(MutableByteView out, std::uint8_t scalar, ByteView in,
                  GfPath path = fastest_gf_path()) noexcept;

/// out[i] = scalar * out[i] + in[i]: one step of Horner's rule for the polynomials of all i at once. The
/// spans have one size, and are the same or do not overlap. `scalar` is public.
void horner_step(MutableByteView out, std::uint8_t scalar, ByteView in,
                 GfPath path = fastest_gf_path()) noexcept;

}  // namespace gf256
}  // namespace dske
