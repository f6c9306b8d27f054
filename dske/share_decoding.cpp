#include "dske/share_decoding.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <string>

#include "dske/gf256.h"

namespace dske {
namespace {

using Points = std::span<const SharePoint>;

Result<void> check_arguments(Points points, std::size_t k, std::size_t n) {
  if (k < kMinSharesRequired || k > n || n > kMaxShares) {
    return invalid(std::to_string(k) + " shares required of " + std::to_string(n) +
                   ": 2 <= required <= shares <= 255");
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    const SharePoint& point = points[i];
    if (point.x == 0 || point.x > n) return invalid("no share lies at x = " + std::to_string(point.x));
    if (point.share.empty()) return invalid("the share at x = " + std::to_string(point.x) + " is empty");
    if (point.share.size() != points.front().share.size()) return invalid("the shares differ in size");
    const auto same_x = [&](const SharePoint& other) { return other.x == point.x; };
    if (std::any_of(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(i), same_x)) {
      return invalid("two shares at x = " + std::to_string(point.x));
    }
  }
  if (points.size() < k) {
    return Error{ErrorKind::unavailable,
                 std::to_string(points.size()) + " shares are there, " + std::to_string(k) + " are required"};
  }
  return {};
}

bool all_zero(ByteView bytes) {
  std::uint8_t any = 0;
  for (const std::uint8_t byte : bytes) any |= byte;
  return any == 0;
}

// The difference between the share of `point` and the one that `basis` says should be there.
Result<SecretBytes> deviation(Points basis, const SharePoint& point) {
  Result<SecretBytes> expected = evaluate_at(basis, point.x);
  if (expected) gf256::multiply_add(expected->span(), 1, point.share);
  return expected;
}

// The secret of `basis` if it passes, with the points that deviate from it.
Result<std::optional<CheckedSecret>> try_basis(Points basis, Points points, const SecretCheck& check) {
  Result<SecretBytes> secret = recover(basis);
  if (!secret) return secret.error();
  if (!check(secret->view())) return std::optional<CheckedSecret>();
  CheckedSecret found{std::move(*secret), {}};
  for (const SharePoint& point : points) {
    const auto same_x = [&](const SharePoint& other) { return other.x == point.x; };
    if (std::any_of(basis.begin(), basis.end(), same_x)) continue;
    const Result<SecretBytes> difference = deviation(basis, point);
    if (!difference) return difference.error();
    if (!all_zero(difference->view())) found.wrong.push_back(point.x);
  }
  return std::optional(std::move(found));
}

// A byte position at which the points do not all lie on a polynomial of degree k - 1.
Result<std::optional<std::size_t>> inconsistent_column(Points points, std::size_t k) {
  for (const SharePoint& point : points.subspan(k)) {
    const Result<SecretBytes> difference = deviation(points.first(k), point);
    if (!difference) return difference.error();
    const ByteView bytes = difference->view();
    const auto found = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
    if (found != bytes.end()) return std::optional(static_cast<std::size_t>(found - bytes.begin()));
  }
  return std::optional<std::size_t>();
}

// The syndromes of one column: S_j = sum over the points of w_i y_i x_i^j for j < points - k, where w_i is
// 1 / product of (x_i - x_l) over the other points l. They are all 0 for polynomials of degree below k.
std::vector<std::uint8_t> syndromes_of(Points points, std::size_t k, std::size_t column) {
  std::vector<std::uint8_t> syndromes(points.size() - k);
  for (const SharePoint& point : points) {
    std::uint8_t product = 1;
    for (const SharePoint& other : points) {
      if (other.x != point.x) product = gf256::multiply(product, point.x ^ other.x);
    }
    std::uint8_t term = gf256::multiply(gf256::inverse(product), point.share[column]);
    for (std::uint8_t& syndrome : syndromes) {
      syndrome ^= term;
      term = gf256::multiply(term, point.x);
    }
  }
  return syndromes;
}

// The shortest recurrence that generates the syndromes (Massey, "Shift-register synthesis and BCH decoding",
// IEEE Transactions on Information Theory 15(1), 1969): 1 + c_1 z + ... + c_L z^L, its coefficients from the
// constant one up. Its zeros are the inverses of the x of the wrong shares, if not too many are wrong.
std::vector<std::uint8_t> error_locator(std::span<const std::uint8_t> syndromes) {
  std::vector<std::uint8_t> locator{1};
  std::vector<std::uint8_t> previous{1};  // the locator before its degree last grew
  std::uint8_t previous_discrepancy = 1;
  std::size_t degree = 0;
  std::size_t shift = 1;
  for (std::size_t j = 0; j < syndromes.size(); ++j, ++shift) {
    std::uint8_t discrepancy = syndromes[j];
    for (std::size_t i = 1; i <= std::min(degree, locator.size() - 1); ++i) {
      discrepancy ^= gf256::multiply(locator[i], syndromes[j - i]);
    }
    if (discrepancy == 0) continue;
    std::vector<std::uint8_t> corrected = locator;
    corrected.resize(std::max(corrected.size(), previous.size() + shift));
    const std::uint8_t factor = gf256::multiply(discrepancy, gf256::inverse(previous_discrepancy));
    for (std::size_t i = 0; i < previous.size(); ++i)
      corrected[i + shift] ^= gf256::multiply(factor, previous[i]);
    if (2 * degree <= j) {
      degree = j + 1 - degree;
      previous = std::move(locator);
      previous_discrepancy = discrepancy;
      shift = 0;
    }
    locator = std::move(corrected);
  }
  locator.resize(degree + 1);
  return locator;
}

// The x of the points that are wrong at this inconsistent column; nothing if they are too many to tell.
std::vector<std::uint8_t> wrong_at_column(Points points, std::size_t k, std::size_t column) {
  const std::vector<std::uint8_t> locator = error_locator(syndromes_of(points, k, column));
  const std::size_t errors = locator.size() - 1;
  std::vector<std::uint8_t> wrong;
  for (const SharePoint& point : points) {
    const std::uint8_t z = gf256::inverse(point.x);
    std::uint8_t value = 0;
    // NOLINTNEXTLINE(modernize-loop-convert): clang 14 does not compile libstdc++'s reversed views
    for (auto c = locator.rbegin(); c != locator.rend(); ++c) value = gf256::multiply(value, z) ^ *c;
    if (value == 0) wrong.push_back(point.x);
  }
  if (wrong.size() != errors || errors > (points.size() - k) / 2) wrong.clear();
  return wrong;
}

// Those of `points` that are left once every share found wrong is taken away, until the rest agree with each
// other. Nothing if too many are wrong. A hub that errs at one byte is wrong as a whole: with t of m points
// wrong and 2 t <= m - k, taking away s of them leaves 2 (t - s) <= (m - s) - k, so each column can still be
// decoded.
Result<std::vector<SharePoint>> without_wrong_shares(Points points, std::size_t k) {
  std::vector<SharePoint> left(points.begin(), points.end());
  for (;;) {
    const Result<std::optional<std::size_t>> column = inconsistent_column(left, k);
    if (!column) return column.error();
    if (!column->has_value()) return left;
    const std::vector<std::uint8_t> wrong = wrong_at_column(left, k, **column);
    if (wrong.empty()) return std::vector<SharePoint>();
    std::erase_if(left, [&](const SharePoint& point) { return std::ranges::count(wrong, point.x) != 0; });
  }
}

// Moves `chosen`, k ascending indexes below m, to the lexicographically next such choice; false after the
// last.
bool next_subset(std::vector<std::size_t>& chosen, std::size_t m) {
  const std::size_t k = chosen.size();
  std::size_t i = k;
  while (i > 0 && chosen[i - 1] == m - k + i - 1) --i;
  if (i == 0) return false;
  ++chosen[i - 1];
  for (; i < k; ++i) chosen[i] = chosen[i - 1] + 1;
  return true;
}

}  // namespace

Result<CheckedSecret> recover_checked(Points points, std::size_t k, std::size_t n, const SecretCheck& check) {
  if (Result<void> checked = check_arguments(points, k, n); !checked) return checked.error();
  const Error corrupt{ErrorKind::corrupt, "no " + std::to_string(k) + " of the " +
                                              std::to_string(points.size()) + " shares recover the secret"};

  Result<std::optional<CheckedSecret>> found = try_basis(points.first(k), points, check);
  if (!found) return found.error();
  if (found->has_value()) return std::move(**found);
  if (points.size() == k) return corrupt;

  const Result<std::vector<SharePoint>> right = without_wrong_shares(points, k);
  if (!right) return right.error();
  if (right->size() == points.size()) return corrupt;  // all agree, on a wrong secret
  if (!right->empty()) {
    found = try_basis(Points(*right).first(k), points, check);
    if (!found) return found.error();
    if (found->has_value()) return std::move(**found);
  }
  if (n > kMostSharesForEverySubset) return corrupt;

  std::vector<std::size_t> chosen(k);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  std::vector<SharePoint> basis(k);
  while (next_subset(chosen, points.size())) {
    for (std::size_t i = 0; i < k; ++i) basis[i] = points[chosen[i]];
    found = try_basis(basis, points, check);
    if (!found) return found.error();
    if (found->has_value()) return std::move(**found);
  }
  return corrupt;
}

}  // namespace dske
