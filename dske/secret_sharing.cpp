#include "dske/secret_sharing.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>
#include <utility>

namespace dske {
namespace {

// Long secrets are treated in slices, so that a slice of the coefficients stays in the first-level cache
// while all shares are made from it.
constexpr std::size_t kSlice = 4096;

Result<void> check_points(std::span<const SharePoint> points) {
  if (points.size() < kMinSharesRequired || points.size() > kMaxShares) {
    return invalid("a secret is recovered from 2 to 255 shares, not " + std::to_string(points.size()));
  }
  std::bitset<256> seen;
  for (const SharePoint& point : points) {
    if (point.x == 0) return invalid("a share at x = 0 would be the secret itself");
    if (seen.test(point.x)) return invalid("two shares at x = " + std::to_string(point.x));
    seen.set(point.x);
    if (point.share.size() != points.front().share.size()) return invalid("the shares differ in size");
  }
  if (points.front().share.empty()) return invalid("the shares are empty");
  return {};
}

// The j-th Lagrange coefficient: the weight of points[j] in the value at x.
std::uint8_t lagrange_coefficient(std::span<const SharePoint> points, std::size_t j, std::uint8_t x) {
  std::uint8_t numerator = 1;
  std::uint8_t denominator = 1;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i == j) continue;
    numerator = gf256::multiply(numerator, x ^ points[i].x);
    denominator = gf256::multiply(denominator, points[j].x ^ points[i].x);
  }
  return gf256::multiply(numerator, gf256::inverse(denominator));
}

}  // namespace

Result<std::vector<SecretBytes>> split(ByteView secret, std::size_t k, std::size_t n, Randomness& randomness,
                                       GfPath path) {
  if (k < kMinSharesRequired || k > n || n > kMaxShares) {
    return invalid("cannot split into " + std::to_string(n) + " shares with " + std::to_string(k) +
                   " required: 2 <= required <= shares <= 255");
  }
  if (secret.empty()) return invalid("cannot split an empty secret");

  // Row i holds the coefficients of x^(i+1) of all bytes' polynomials.
  const SecretBytes coefficients = randomness.bytes((k - 1) * secret.size());
  std::vector<SecretBytes> shares;
  shares.reserve(n);
  for (std::size_t i = 0; i < n; ++i) shares.emplace_back(secret.size());

  for (std::size_t start = 0; start < secret.size(); start += kSlice) {
    const std::size_t size = std::min(kSlice, secret.size() - start);
    const auto slice_of_row = [&](std::size_t row) {
      return coefficients.view().subspan(row * secret.size() + start, size);
    };
    for (std::size_t i = 0; i < n; ++i) {
      const auto x = static_cast<std::uint8_t>(i + 1);
      const MutableByteView out = shares[i].span().subspan(start, size);
      std::memcpy(out.data(), slice_of_row(k - 2).data(), size);
      for (std::size_t row = k - 2; row-- > 0;) gf256::horner_step(out, x, slice_of_row(row), path);
      gf256::horner_step(out, x, secret.subspan(start, size), path);
    }
  }
  return shares;
}

Result<SharedSecret> complete(std::span<const SharePoint> points, std::size_t n, GfPath path) {
  SharedSecret made;
  auto secret = recover(points, path);
  if (!secret) return secret.error();
  made.secret = std::move(*secret);
  if (n > kMaxShares) return invalid("a secret has at most 255 shares");
  made.shares.resize(n);
  for (const SharePoint& point : points) {
    if (point.x > n) return invalid("a share at x = " + std::to_string(point.x) + " of " + std::to_string(n));
    made.shares[point.x - 1U] = SecretBytes::copy_of(point.share);
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!made.shares[i].empty()) continue;
    auto share = evaluate_at(points, static_cast<std::uint8_t>(i + 1), path);
    if (!share) return share.error();
    made.shares[i] = std::move(*share);
  }
  return made;
}

Result<SecretBytes> recover(std::span<const SharePoint> points, GfPath path) {
  return evaluate_at(points, 0, path);
}

Result<SecretBytes> evaluate_at(std::span<const SharePoint> points, std::uint8_t x, GfPath path) {
  if (Result<void> checked = check_points(points); !checked) return checked.error();

  std::array<std::uint8_t, kMaxShares> weights{};
  for (std::size_t j = 0; j < points.size(); ++j) weights[j] = lagrange_coefficient(points, j, x);

  SecretBytes value(points.front().share.size());
  for (std::size_t start = 0; start < value.size(); start += kSlice) {
    const std::size_t size = std::min(kSlice, value.size() - start);
    for (std::size_t j = 0; j < points.size(); ++j) {
      gf256::multiply_add(value.span().subspan(start, size), weights[j], points[j].share.subspan(start, size),
                          path);
    }
  }
  return value;
}

}  // namespace dske
