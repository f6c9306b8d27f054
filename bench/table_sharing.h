// Secret sharing over GF(2^8) the usual way, with tables of logarithms and exponentials and one polynomial
// evaluation per byte and share, as HashiCorp Vault's package shamir does it. Written anew, for nothing but
// the comparison in dske-bench-micro, and linked into no other program: it is NOT constant time (look-ups and
// branches depend on secret bytes, so caches tell of the secret), and it wipes nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace dske::bench {

/// A share and where it lies.
struct TableShare {
  std::uint8_t x = 0;
  std::vector<std::uint8_t> bytes;
};

/// The shares at x = 1 to `n` of polynomials of degree k - 1, in the field of dske/secret_sharing.h, so that
/// either recovers what the other has split. REQUIRES: 2 <= k <= n <= 255.
[[nodiscard]] std::vector<TableShare> table_split(std::span<const std::uint8_t> secret, std::size_t k,
                                                  std::size_t n, Randomness& randomness);

/// The values at 0 of the polynomials through all `shares`. REQUIRES: shares of one size, at distinct x other
/// than 0.
[[nodiscard]] std::vector<std::uint8_t> table_recover(std::span<const TableShare> shares);

}  // namespace dske::bench
