#if defined(__x86_64__)

#include <immintrin.h>

#include "dske/gf256_kernels.h"

namespace dske::gf256 {
namespace {

// Multiplication by one scalar: it is linear, so a byte's product is the sum of the products of its two
// halves, and those are looked up in registers (PSHUFB), which takes the same time for all bytes.
class Multiplier {
 public:
  explicit Multiplier(std::uint8_t scalar) {
    unsigned power = scalar;  // scalar * x^bit
    for (int bit = 0; bit < 8; ++bit) {
      const __m256i product = _mm256_set1_epi8(static_cast<char>(power));
      // Byte i of the table takes part of the sum if i, seen as a half, has this bit.
      const __m256i bit_of_index = _mm256_set1_epi8(static_cast<char>(1 << (bit % 4)));
      const __m256i takes_part = _mm256_cmpeq_epi8(_mm256_and_si256(index(), bit_of_index), bit_of_index);
      __m256i& table = bit < 4 ? low_ : high_;
      table = _mm256_xor_si256(table, _mm256_and_si256(takes_part, product));
      power = (power << 1) ^ ((power >> 7) * 0x11bU);
    }
  }

  __m256i operator()(__m256i bytes) const {
    const __m256i half = _mm256_set1_epi8(0x0f);
    const __m256i low = _mm256_shuffle_epi8(low_, _mm256_and_si256(bytes, half));
    const __m256i high = _mm256_shuffle_epi8(high_, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
    return _mm256_xor_si256(low, high);
  }

 private:
  static __m256i index() {
    return _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  }

  __m256i low_ = _mm256_setzero_si256();
  __m256i high_ = _mm256_setzero_si256();
};

__m256i load(const std::uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

void store(std::uint8_t* bytes, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), value);
}

}  // namespace

void multiply_add_avx2(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                       std::size_t size) noexcept {
  const Multiplier multiply_by_scalar(scalar);
  std::size_t done = 0;
  for (; size - done >= 32; done += 32) {
    store(out + done, _mm256_xor_si256(load(out + done), multiply_by_scalar(load(in + done))));
  }
  multiply_add_portable(out + done, scalar, in + done, size - done);
}

void horner_step_avx2(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                      std::size_t size) noexcept {
  const Multiplier multiply_by_scalar(scalar);
  std::size_t done = 0;
  for (; size - done >= 32; done += 32) {
    store(out + done, _mm256_xor_si256(multiply_by_scalar(load(out + done)), load(in + done)));
  }
  horner_step_portable(out + done, scalar, in + done, size - done);
}

}  // namespace dske::gf256

#endif
