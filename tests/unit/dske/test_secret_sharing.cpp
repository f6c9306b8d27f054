#include <algorithm>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "dske/secret_sharing.h"
#include "fixed_randomness.h"
#include "rounds.h"
#include "share_points.h"
#include "vectors.h"

namespace dske {
namespace {

using test::FixedRandomness;
using test::for_each_subset;
using test::from_hex;
using test::owned;
using test::OwnedPoint;
using test::read_vectors;
using test::ReproducibleRandomness;
using test::to_hex;
using test::Vector;
using test::views;

constexpr GfPath kPaths[] = {GfPath::portable, GfPath::avx2, GfPath::gfni};

std::vector<OwnedPoint> points_of(const Vector& vector) {
  std::vector<OwnedPoint> points;
  for (const std::string& text : vector.texts("Share")) {
    const std::size_t space = text.find(' ');
    points.push_back({static_cast<std::uint8_t>(std::stoi(text)), from_hex(text.substr(space + 1))});
  }
  return points;
}

void check_recovery(const Vector& vector) {
  const std::vector<OwnedPoint> points = points_of(vector);
  const std::vector<SharePoint> all = views(points);
  const std::size_t k = vector.number("K");
  REQUIRE(all.size() == vector.number("N"));
  for (const GfPath path : kPaths) {
    if (!is_supported(path)) continue;
    CAPTURE(static_cast<int>(path));
    // From every run of k neighbours the secret, from the first run every other share too.
    for (std::size_t start = 0; start + k <= all.size(); ++start) {
      const std::span<const SharePoint> chosen = std::span(all).subspan(start, k);
      const Result<SecretBytes> secret = recover(chosen, path);
      REQUIRE(secret);
      CHECK(to_hex(secret->view()) == vector.text("Secret"));
    }
    for (const SharePoint& point : all) {
      const Result<SecretBytes> share = evaluate_at(std::span(all).first(k), point.x, path);
      REQUIRE(share);
      CHECK(to_hex(share->view()) == to_hex(point.share));
    }
  }
}

TEST_CASE("secret sharing: published and other implementations' shares are recovered") {
  for (const char* file : {"dske/shamir_published.vec", "dske/shamir_npm.vec", "dske/shamir_pyshamir.vec"}) {
    for (const Vector& vector : read_vectors(file)) {
      CAPTURE(vector.where());
      check_recovery(vector);
    }
  }
}

TEST_CASE("secret sharing: with the same coefficients splitting makes another implementation's shares") {
  for (const Vector& vector : read_vectors("dske/shamir_pyshamir.vec")) {
    CAPTURE(vector.where());
    for (const GfPath path : kPaths) {
      if (!is_supported(path)) continue;
      FixedRandomness randomness(vector.bytes("Coefficients"));
      const auto shares =
          split(vector.bytes("Secret"), vector.number("K"), vector.number("N"), randomness, path);
      REQUIRE(shares);
      CHECK(randomness.left() == 0);
      const std::vector<OwnedPoint> expected = points_of(vector);
      REQUIRE(shares->size() == expected.size());
      for (const OwnedPoint& point : expected) {
        CHECK(to_hex((*shares)[point.x - 1U].view()) == to_hex(point.share));
      }
    }
  }
}

TEST_CASE("secret sharing: every k of n shares recover, for all small k and n") {
  ReproducibleRandomness randomness(20);
  for (std::size_t n = 2; n <= 8; ++n) {
    for (std::size_t k = 2; k <= n; ++k) {
      CAPTURE(n);
      CAPTURE(k);
      const Bytes secret = randomness.data(1 + randomness.below(99));
      const auto shares = split(secret, k, n, randomness);
      REQUIRE(shares);
      REQUIRE(shares->size() == n);
      const std::vector<OwnedPoint> points = owned(*shares);
      for_each_subset(views(points), k, [&](const std::vector<SharePoint>& subset) {
        const Result<SecretBytes> recovered = recover(subset);
        REQUIRE(recovered);
        REQUIRE(to_hex(recovered->view()) == to_hex(secret));
      });
      // k - 1 shares define another polynomial, of lower degree: at one byte in 256 it could hit by chance.
      if (k > 2 && secret.size() > 8) {
        for_each_subset(views(points), k - 1, [&](const std::vector<SharePoint>& subset) {
          const Result<SecretBytes> recovered = recover(subset);
          REQUIRE(recovered);
          REQUIRE(to_hex(recovered->view()) != to_hex(secret));
        });
      }
    }
  }
}

TEST_CASE("secret sharing: secrets longer than a slice, and the most shares there can be") {
  ReproducibleRandomness randomness(21);
  const Bytes secret = randomness.data(3 * 4096 + 17);
  for (const GfPath path : kPaths) {
    if (!is_supported(path)) continue;
    auto shares = split(secret, 3, 5, randomness, path);
    REQUIRE(shares);
    const std::vector<OwnedPoint> points = owned(*shares);
    const std::vector<SharePoint> all = views(points);
    const Result<SecretBytes> recovered = recover(std::span(all).last(3), path);
    REQUIRE(recovered);
    CHECK(constant_time_equal(recovered->view(), secret));
  }
  const auto shares = split(as_bytes("all the hubs"), 255, 255, randomness);
  REQUIRE(shares);
  const std::vector<OwnedPoint> points = owned(*shares);
  const Result<SecretBytes> recovered = recover(views(points));
  REQUIRE(recovered);
  CHECK(recovered->text() == "all the hubs");
}

// Perfect secrecy, checked in full: k = 3, every secret byte, every pair of coefficients. For whichever
// secret, each pair of values of two shares comes from exactly one pair of coefficients, so two shares fit
// every secret equally.
TEST_CASE("secret sharing: k - 1 shares are equally consistent with every secret") {
  constexpr std::size_t kPairs = 256 * 256;
  Bytes coefficients(2 * kPairs);
  for (std::size_t i = 0; i < kPairs; ++i) {
    coefficients[i] = static_cast<std::uint8_t>(i);
    coefficients[kPairs + i] = static_cast<std::uint8_t>(i >> 8);
  }
  for (unsigned secret = 0; secret < 256; secret += 256 / test::rounds(256)) {
    FixedRandomness randomness(coefficients);
    const auto shares = split(Bytes(kPairs, static_cast<std::uint8_t>(secret)), 3, 4, randomness);
    REQUIRE(shares);
    for (const auto& [one, other] : {std::pair{0, 1}, std::pair{0, 3}, std::pair{2, 3}}) {
      std::vector<bool> seen(kPairs);
      const std::uint8_t* a = (*shares)[static_cast<std::size_t>(one)].data();
      const std::uint8_t* b = (*shares)[static_cast<std::size_t>(other)].data();
      for (std::size_t i = 0; i < kPairs; ++i) seen[a[i] + 256U * b[i]] = true;
      REQUIRE(std::count(seen.begin(), seen.end(), true) == kPairs);
    }
  }
}

TEST_CASE("secret sharing: k and n out of range and an empty secret are refused, and take no randomness") {
  const Bytes secret(4, 1);
  FixedRandomness none({});
  for (const auto& shape : {std::pair{0, 3}, {1, 3}, {4, 3}, {2, 1}, {2, 0}, {2, 256}, {256, 256}, {0, 0}}) {
    const auto k = static_cast<std::size_t>(shape.first);
    const auto n = static_cast<std::size_t>(shape.second);
    CAPTURE(k);
    CAPTURE(n);
    const auto shares = split(secret, k, n, none);
    REQUIRE_FALSE(shares);
    CHECK(shares.error().kind == ErrorKind::invalid);
  }
  const auto shares = split({}, 2, 3, none);
  REQUIRE_FALSE(shares);
  CHECK(shares.error().kind == ErrorKind::invalid);
}

TEST_CASE("secret sharing: points that cannot be are refused") {
  const Bytes share(4, 1);
  const Bytes longer(5, 1);
  const std::vector<std::vector<SharePoint>> wrong = {
      {},
      {{1, share}},
      {{0, share}, {1, share}},
      {{1, share}, {2, share}, {1, share}},
      {{1, share}, {2, longer}},
      {{1, longer}, {2, share}},
      {{1, {}}, {2, {}}},
      std::vector<SharePoint>(256, SharePoint{7, share}),
  };
  for (const std::vector<SharePoint>& points : wrong) {
    CAPTURE(points.size());
    for (const Result<SecretBytes>& result : {recover(points), evaluate_at(points, 9)}) {
      REQUIRE_FALSE(result);
      CHECK(result.error().kind == ErrorKind::invalid);
      CHECK_FALSE(result.error().message.empty());
    }
  }
}

}  // namespace
}  // namespace dske
