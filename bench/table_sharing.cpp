#include "bench/table_sharing.h"

#include <array>

namespace dske::bench {
namespace {

constexpr unsigned kFieldPolynomial = 0x11b;  // x^8 + x^4 + x^3 + x + 1
constexpr unsigned kGroupOrder = 255;

struct Tables {
  std::array<std::uint8_t, 256> logarithm{};
  std::array<std::uint8_t, 256> exponential{};
};

// Of the generator x + 1.
constexpr Tables make_tables() {
  Tables tables;
  unsigned power = 1;
  for (unsigned i = 0; i < kGroupOrder; ++i) {
    tables.exponential.at(i) = static_cast<std::uint8_t>(power);
    tables.logarithm.at(power) = static_cast<std::uint8_t>(i);
    power ^= power << 1;
    if (power > 0xff) power ^= kFieldPolynomial;
  }
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  if (a == 0 || b == 0) return 0;
  return kTables.exponential[(kTables.logarithm[a] + kTables.logarithm[b]) % kGroupOrder];
}

// REQUIRES: b is not 0.
std::uint8_t divide(std::uint8_t a, std::uint8_t b) {
  if (a == 0) return 0;
  return kTables.exponential[(kGroupOrder + kTables.logarithm[a] - kTables.logarithm[b]) % kGroupOrder];
}

}  // namespace

std::vector<TableShare> table_split(std::span<const std::uint8_t> secret, std::size_t k, std::size_t n,
                                    Randomness& randomness) {
  std::vector<TableShare> shares(n);
  for (std::size_t i = 0; i < n; ++i) {
    shares[i].x = static_cast<std::uint8_t>(i + 1);
    shares[i].bytes.resize(secret.size());
  }
  const SecretBytes coefficients = randomness.bytes(secret.size() * (k - 1));
  for (std::size_t at = 0; at < secret.size(); ++at) {
    const ByteView higher = coefficients.view().subspan(at * (k - 1), k - 1);
    for (TableShare& share : shares) {
      std::uint8_t value = 0;
      for (std::size_t degree = k - 1; degree > 0; --degree)
        value = static_cast<std::uint8_t>(multiply(value, share.x) ^ higher[degree - 1]);
      share.bytes[at] = static_cast<std::uint8_t>(multiply(value, share.x) ^ secret[at]);
    }
  }
  return shares;
}

std::vector<std::uint8_t> table_recover(std::span<const TableShare> shares) {
  std::vector<std::uint8_t> secret(shares.front().bytes.size());
  for (std::size_t at = 0; at < secret.size(); ++at) {
    std::uint8_t value = 0;
    for (const TableShare& share : shares) {
      std::uint8_t basis = 1;
      for (const TableShare& other : shares) {
        if (other.x != share.x)
          basis = multiply(basis, divide(other.x, static_cast<std::uint8_t>(other.x ^ share.x)));
      }
      value = static_cast<std::uint8_t>(value ^ multiply(share.bytes[at], basis));
    }
    secret[at] = value;
  }
  return secret;
}

}  // namespace dske::bench
