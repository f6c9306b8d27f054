#include "dske/gf256.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "dske/gf256_kernels.h"

namespace dske {

bool is_supported(GfPath path) noexcept {
#if defined(__x86_64__)
  switch (path) {
    case GfPath::portable:
      return true;
    case GfPath::avx2:
      return __builtin_cpu_supports("avx2") != 0;
    case GfPath::gfni:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("gfni") != 0;
  }
  return false;
#else
  return path == GfPath::portable;
#endif
}

GfPath fastest_gf_path() noexcept {
  static const GfPath fastest = is_supported(GfPath::gfni)   ? GfPath::gfni
                                : is_supported(GfPath::avx2) ? GfPath::avx2
                                                             : GfPath::portable;
  return fastest;
}

namespace gf256 {
namespace {

constexpr std::uint64_t in_every_byte(std::uint8_t byte) {
  return byte * 0x0101010101010101U;
}

// Each of the eight bytes times x.
constexpr std::uint64_t times_x(std::uint64_t bytes) {
  const std::uint64_t carry = (bytes >> 7) & in_every_byte(0x01);
  const std::uint64_t carry_mask = (carry << 8) - carry;  // 0xff where a byte overflows
  return ((bytes & in_every_byte(0x7f)) << 1) ^ (carry_mask & in_every_byte(0x1b));
}

// Words treated together, so that the compiler can put them into vector registers.
constexpr std::size_t kWords = 4;
constexpr std::size_t kBlock = kWords * sizeof(std::uint64_t);

struct Block {
  std::uint64_t words[kWords] = {};

  Block(const std::uint8_t* bytes, std::size_t size) { std::memcpy(words, bytes, size); }

  // Takes as many doublings as the public scalar has bits.
  void multiply(std::uint8_t scalar) {
    std::uint64_t product[kWords] = {};
    for (int bit = std::bit_width(scalar) - 1; bit >= 0; --bit) {
      const std::uint64_t mask = 0 - static_cast<std::uint64_t>((scalar >> bit) & 1);
      for (std::size_t w = 0; w < kWords; ++w) product[w] = times_x(product[w]) ^ (words[w] & mask);
    }
    std::memcpy(words, product, sizeof words);
  }

  void add(const Block& other) {
    for (std::size_t w = 0; w < kWords; ++w) words[w] ^= other.words[w];
  }
};

// Calls step(offset, size) for each block; only the last may be short.
template <class Step>
void for_each_block(std::size_t size, Step step) {
  std::size_t done = 0;
  for (; size - done >= kBlock; done += kBlock) step(done, kBlock);
  if (done < size) step(done, size - done);
}

struct Kernels {
  void (*multiply_add)(std::uint8_t*, std::uint8_t, const std::uint8_t*, std::size_t) noexcept;
  void (*horner_step)(std::uint8_t*, std::uint8_t, const std::uint8_t*, std::size_t) noexcept;
};

Kernels kernels_of(GfPath path) noexcept {
  assert(is_supported(path));
  switch (path) {
#if defined(__x86_64__)
    case GfPath::gfni:
      return {multiply_add_gfni, horner_step_gfni};
    case GfPath::avx2:
      return {multiply_add_avx2, horner_step_avx2};
#endif
    default:
      return {multiply_add_portable, horner_step_portable};
  }
}

}  // namespace

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept {
  std::uint32_t product = 0;  // of two polynomials, not yet reduced: 15 bits
  for (int bit = 0; bit < 8; ++bit)
    product ^= (0U - ((std::uint32_t{b} >> bit) & 1U)) & (std::uint32_t{a} << bit);
  for (int bit = 14; bit >= 8; --bit) product ^= (0U - ((product >> bit) & 1U)) & (0x11bU << (bit - 8));
  return static_cast<std::uint8_t>(product);
}

std::uint8_t inverse(std::uint8_t a) noexcept {
  // a^254, since a^255 = 1 for all but 0: 254 = 2 + 4 + ... + 128.
  std::uint8_t power = multiply(a, a);
  std::uint8_t result = power;
  for (int i = 0; i < 6; ++i) {
    power = multiply(power, power);
    result = multiply(result, power);
  }
  return result;
}

void multiply_add_portable(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                           std::size_t size) noexcept {
  for_each_block(size, [&](std::size_t offset, std::size_t count) {
    Block product(in + offset, count);
    product.multiply(scalar);
    product.add(Block(out + offset, count));
    std::memcpy(out + offset, product.words, count);
  });
}

void horner_step_portable(std::uint8_t* out, std::uint8_t scalar, const std::uint8_t* in,
                          std::size_t size) noexcept {
  for_each_block(size, [&](std::size_t offset, std::size_t count) {
    Block value(out + offset, count);
    value.multiply(scalar);
    value.add(Block(in + offset, count));
    std::memcpy(out + offset, value.words, count);
  });
}

void multiply_add(MutableByteView out, std::uint8_t scalar, ByteView in, GfPath path) noexcept {
  assert(out.size() == in.size());
  kernels_of(path).multiply_add(out.data(), scalar, in.data(), out.size());
}

void horner_step(MutableByteView out, std::uint8_t scalar, ByteView in, GfPath path) noexcept {
  assert(out.size() == in.size());
  kernels_of(path).horner_step(out.data(), scalar, in.data(), out.size());
}

}  // namespace gf256
}  // namespace dske
