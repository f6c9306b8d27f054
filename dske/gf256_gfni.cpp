#if defined(__x86_64__)

#include <immintrin.h>

#include "dske/gf256_kernels.h"

// GF2P8MULB multiplies modulo x^8 + x^4 + x^3 + x + 1: exactly this field.

namespace dske::gf256 {
namespace {

__m256i load(const std::uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

void store(std::uint8_t* bytes, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), value);
}

}  // namespace

void multiply_add_gfni(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                       std::size_t size) noexcept {
  const __m256i factor = _mm256_set1_epi8(static_cast<char>(scalar));
  std::size_t done = 0;
  for (; size - done >= 32; done += 32) {
    store(out + done, _mm256_xor_si256(load(out + done), _mm256_gf2p8mul_epi8(load(in + done), factor)));
  }
  multiply_add_portable(out + done, scalar, in + done, size - done);
}

void horner_step_gfni(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                      std::size_t size) noexcept {
  const __m256i factor = _mm256_set1_epi8(static_cast<char>(scalar));
  std::size_t done = 0;
  for (; size - done >= 32; done += 32) {
    store(out + done, _mm256_xor_si256(_mm256_gf2p8mul_epi8(load(out + done), factor), load(in + done)));
  }
  horner_step_portable(out + done, scalar, in + done, size - done);
}

}  // namespace dske::gf256

#endif
