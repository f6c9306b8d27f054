#if defined(__x86_64__)

#include <immintrin.h>

#include "dske/gf128_kernels.h"

// Elements have the coefficient of x^0 at the top bit. So the carry-less product of two elements is their
// polynomial product moved down by one of its 256 bits. Instead of moving each product up, one factor is
// divided by x beforehand: then the 256 bits are the product itself.

namespace dske {
namespace {

constexpr std::size_t kAggregated = 8;

__m128i load(const std::uint64_t* element) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(element));
}

void store(std::uint64_t* element, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(element), value);
}

__m128i load_block(const std::uint8_t* block) {
  const __m128i backwards = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block)), backwards);
}

// element / x: one bit up; what falls out, the coefficient of x^0, is replaced by 1/x = 1 + x + x^6 + x^127.
__m128i divide_by_x(__m128i element) {
  const __m128i carries = _mm_srli_epi64(element, 63);  // the top bit of each half
  const __m128i shifted = _mm_or_si128(_mm_slli_epi64(element, 1), _mm_slli_si128(carries, 8));
  const __m128i top = _mm_shuffle_epi32(_mm_srai_epi32(element, 31), 0xff);  // all ones if the top bit is set
  const __m128i inverse_of_x = _mm_set_epi64x(static_cast<long long>(0xc200000000000000U), 1);
  return _mm_xor_si128(shifted, _mm_and_si128(top, inverse_of_x));
}

// A sum of products, reduced only once.
class ProductSum {
 public:
  // Adds a * b * x.
  void add(__m128i a, __m128i b) {
    low_ = _mm_xor_si128(low_, _mm_clmulepi64_si128(a, b, 0x00));
    high_ = _mm_xor_si128(high_, _mm_clmulepi64_si128(a, b, 0x11));
    middle_ = _mm_xor_si128(middle_, _mm_clmulepi64_si128(a, b, 0x01));
    middle_ = _mm_xor_si128(middle_, _mm_clmulepi64_si128(a, b, 0x10));
  }

  __m128i reduced() const {
    const __m128i high = _mm_xor_si128(high_, _mm_srli_si128(middle_, 8));
    // The coefficients of x^128 and above. x^128 = 1 + x (1 + x + x^6): the lower half is folded in first,
    // into the 128 bits above itself, then the upper half.
    __m128i rest = _mm_xor_si128(low_, _mm_slli_si128(middle_, 8));
    const __m128i fold = _mm_set_epi64x(0, static_cast<long long>(0xc200000000000000U));
    for (int half = 0; half < 2; ++half) {
      rest = _mm_xor_si128(_mm_shuffle_epi32(rest, 0x4e), _mm_clmulepi64_si128(rest, fold, 0x00));
    }
    return _mm_xor_si128(high, rest);
  }

 private:
  __m128i low_ = _mm_setzero_si128();
  __m128i middle_ = _mm_setzero_si128();
  __m128i high_ = _mm_setzero_si128();
};

__m128i multiply_prepared(__m128i a, __m128i b_divided_by_x) {
  ProductSum sum;
  sum.add(a, b_divided_by_x);
  return sum.reduced();
}

}  // namespace

void gf128_multiply_pclmul(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out) noexcept {
  store(out, multiply_prepared(load(a), divide_by_x(load(b))));
}

void gf128_powers_pclmul(const std::uint64_t* point, std::uint64_t* powers, std::size_t count) noexcept {
  const __m128i prepared_point = divide_by_x(load(point));
  __m128i power = load(point);
  for (std::size_t i = 0; i < count; ++i) {
    store(powers + 2 * i, divide_by_x(power));
    power = multiply_prepared(power, prepared_point);
  }
}

void gf128_horner_pclmul(std::uint64_t* value, const std::uint64_t* powers, const std::uint8_t* blocks,
                         std::size_t count) noexcept {
  __m128i sum = load(value);
  for (; count >= kAggregated; count -= kAggregated) {
    // Eight steps at once: sum * p^8 + last * p^7 + ... + first.
    const std::uint8_t* first = blocks + 16 * (count - kAggregated);
    ProductSum products;
    products.add(sum, load(powers + 2 * (kAggregated - 1)));
    for (std::size_t i = 1; i < kAggregated; ++i)
      products.add(load_block(first + 16 * i), load(powers + 2 * (i - 1)));
    sum = _mm_xor_si128(products.reduced(), load_block(first));
  }
  for (; count > 0; --count) {
    sum = _mm_xor_si128(multiply_prepared(sum, load(powers)), load_block(blocks + 16 * (count - 1)));
  }
  store(value, sum);
}

}  // namespace dske

#endif
