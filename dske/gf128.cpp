#include "dske/gf128.h"

#include <cassert>

#include "base/secret.h"
#include "dske/gf128_kernels.h"

namespace dske {
namespace {

std::uint64_t load_big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void store_big_endian(std::uint64_t value, std::uint8_t* bytes) {
  for (int i = 7; i >= 0; --i, value >>= 8) bytes[i] = static_cast<std::uint8_t>(value);
}

std::uint64_t reverse_bits(std::uint64_t v) {
  v = (v >> 1 & 0x5555555555555555U) | (v & 0x5555555555555555U) << 1;
  v = (v >> 2 & 0x3333333333333333U) | (v & 0x3333333333333333U) << 2;
  v = (v >> 4 & 0x0f0f0f0f0f0f0f0fU) | (v & 0x0f0f0f0f0f0f0f0fU) << 4;
  return __builtin_bswap64(v);
}

// The low 64 bits of the carry-less product, by integer multiplication, which is constant time on the CPUs of
// interest. Each operand is cut into four words that have every fourth bit. A product of two such words then
// counts, at every fourth bit, the pairs of set bits that meet there; the count's lowest bit is what a
// carry-less product has. A count needs more than its four bits only at the topmost place (16 pairs), from
// where it overflows out of the word.
std::uint64_t carryless_low(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kEveryFourth = 0x1111111111111111U;
  std::uint64_t result = 0;
  for (int place = 0; place < 4; ++place) {
    std::uint64_t counts = 0;
    for (int i = 0; i < 4; ++i) {
      counts ^= (a & kEveryFourth << i) * (b & kEveryFourth << ((place - i) & 3));
    }
    result |= counts & kEveryFourth << place;
  }
  return result;
}

struct Product {
  std::uint64_t low;
  std::uint64_t high;
};

// All 127 bits of it. The product of the reversed operands is the reversed product, which brings its top to
// the bottom.
Product carryless(std::uint64_t a, std::uint64_t b) {
  return {carryless_low(a, b), reverse_bits(carryless_low(reverse_bits(a), reverse_bits(b))) >> 1};
}

// Elements are kept with the coefficient of x^0 at the top, so a shift to the right multiplies by x.
Gf128 multiply_portable(Gf128 a, Gf128 b) {
  const Product low = carryless(a.low, b.low);
  const Product high = carryless(a.high, b.high);
  Product middle = carryless(a.low ^ a.high, b.low ^ b.high);  // Karatsuba
  middle.low ^= low.low ^ high.low;
  middle.high ^= low.high ^ high.high;

  // The 255-bit product, moved up by one bit so that the coefficient of x^0 is the top one of 256.
  const std::uint64_t p0 = low.low;
  const std::uint64_t p1 = low.high ^ middle.low;
  const std::uint64_t p2 = high.low ^ middle.high;
  const std::uint64_t p3 = high.high;
  std::uint64_t low0 = p0 << 1;  // low1:low0 are the coefficients of x^128 and above
  std::uint64_t low1 = p1 << 1 | p0 >> 63;
  const std::uint64_t high0 = p2 << 1 | p1 >> 63;
  const std::uint64_t high1 = p3 << 1 | p2 >> 63;

  // x^128 = 1 + x + x^2 + x^7. First what multiplying low1:low0 by that pushes over the end once more, then
  // the rest.
  low1 ^= low0 << 63 ^ low0 << 62 ^ low0 << 57;
  const Gf128 folded{low0 ^ (low0 >> 1 | low1 << 63) ^ (low0 >> 2 | low1 << 62) ^ (low0 >> 7 | low1 << 57),
                     low1 ^ low1 >> 1 ^ low1 >> 2 ^ low1 >> 7};
  return Gf128{high0, high1} ^ folded;
}

}  // namespace

bool is_supported(ClmulPath path) noexcept {
#if defined(__x86_64__)
  if (path == ClmulPath::pclmul)
    return __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("ssse3") != 0;
#endif
  return path == ClmulPath::portable;
}

ClmulPath fastest_clmul_path() noexcept {
  static const ClmulPath fastest = is_supported(ClmulPath::pclmul) ? ClmulPath::pclmul : ClmulPath::portable;
  return fastest;
}

Gf128 Gf128::from_bytes(std::span<const std::uint8_t, kSize> bytes) noexcept {
  return {load_big_endian(bytes.data() + 8), load_big_endian(bytes.data())};
}

std::array<std::uint8_t, Gf128::kSize> Gf128::to_bytes() const noexcept {
  std::array<std::uint8_t, kSize> bytes;
  store_big_endian(high, bytes.data());
  store_big_endian(low, bytes.data() + 8);
  return bytes;
}

Gf128 multiply(Gf128 a, Gf128 b, ClmulPath path) noexcept {
  assert(is_supported(path));
#if defined(__x86_64__)
  if (path == ClmulPath::pclmul) {
    Gf128 product;
    gf128_multiply_pclmul(&a.low, &b.low, &product.low);
    return product;
  }
#endif
  return multiply_portable(a, b);
}

Gf128Horner::Gf128Horner(Gf128 point, ClmulPath path) noexcept : path_(path), point_(point) {
  assert(is_supported(path));
}

Gf128Horner::~Gf128Horner() {
  for (Gf128* secret : {&point_, &value_}) wipe({reinterpret_cast<std::uint8_t*>(secret), sizeof *secret});
  wipe({reinterpret_cast<std::uint8_t*>(powers_.data()), sizeof powers_});
}

void Gf128Horner::step(Gf128 coefficient) noexcept {
  value_ = multiply(value_, point_, path_) ^ coefficient;
}

void Gf128Horner::steps_backwards(ByteView blocks) noexcept {
  assert(blocks.size() % Gf128::kSize == 0);
#if defined(__x86_64__)
  if (path_ == ClmulPath::pclmul && blocks.size() >= kAggregated * Gf128::kSize) {
    if (!has_powers_) gf128_powers_pclmul(&point_.low, &powers_[0].low, kAggregated);
    has_powers_ = true;
    gf128_horner_pclmul(&value_.low, &powers_[0].low, blocks.data(), blocks.size() / Gf128::kSize);
    return;
  }
#endif
  for (std::size_t end = blocks.size(); end != 0; end -= Gf128::kSize) {
    step(Gf128::from_bytes(blocks.subspan(end - Gf128::kSize).first<Gf128::kSize>()));
  }
}

}  // namespace dske
