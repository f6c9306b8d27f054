// The loops behind gf256.h, one pair per instruction set. Private to gf256*.cpp.
//
// Files compiled for a CPU extension include this and <immintrin.h> only: an inline function of the standard
// library that was compiled there could be the copy that the linker keeps for the whole program, and would
// then fault on CPUs without the extension.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dske::gf256 {

void multiply_add_portable(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                           std::size_t size) noexcept;
void horner_step_portable(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                          std::size_t size) noexcept;

#if defined(__x86_64__)
void multiply_add_avx2(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                       std::size_t size) noexcept;
void horner_step_avx2(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                      std::size_t size) noexcept;

void multiply_add_gfni(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                       std::size_t size) noexcept;
void horner_step_gfni(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                      std::size_t size) noexcept;
#endif

}  // namespace dske::gf256
