// The code behind gf128.h that uses the CPU's carry-less multiplication. Private to gf128*.cpp; plain types
// only, for the reason given in gf256_kernels.h. An element is two words, the low one first, as in Gf128.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dske {

#if defined(__x86_64__)
/// out = a * b.
void gf128_multiply_pclmul(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out) noexcept;

/// Fills powers[0..2*count) with `count` elements: point, point^2, ..., each prepared for
/// gf128_horner_pclmul.
void gf128_powers_pclmul(const std::uint64_t* point, std::uint64_t* powers, std::size_t count) noexcept;

/// Horner steps with the `count` 16-byte blocks at `blocks`, the last block first; `powers` holds eight
/// elements.
void gf128_horner_pclmul(std::uint64_t* value, const std::uint64_t* powers, const std::uint8_t* blocks,
                         std::size_t count) noexcept;
#endif

}  // namespace dske
