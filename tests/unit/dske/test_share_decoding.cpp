#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <doctest/doctest.h>

#include "dske/share_decoding.h"
#include "fixed_randomness.h"
#include "share_points.h"
#include "vectors.h"

namespace dske {
namespace {

using test::owned;
using test::OwnedPoint;
using test::ReproducibleRandomness;
using test::to_hex;
using test::views;

// A secret, its points, and a check that knows the secret and counts how often it is asked.
class Scene {
 public:
  Scene(std::size_t k, std::size_t n, std::size_t size, std::uint32_t seed)
      : randomness_(seed), k_(k), n_(n), secret_(randomness_.data(size)) {
    auto shares = split(secret_, k, n, randomness_);
    REQUIRE(shares);
    points = owned(*shares);
  }

  // Makes one to all bytes of a point's share wrong.
  void spoil(std::size_t index) {
    Bytes& share = points[index].share;
    const std::size_t errors = 1 + randomness_.below(share.size());
    for (std::size_t i = 0; i < errors; ++i) {
      share[randomness_.below(share.size())] ^= static_cast<std::uint8_t>(1 + randomness_.below(255));
    }
    // The errors may have cancelled out.
    share[randomness_.below(share.size())] = static_cast<std::uint8_t>(~share[0]);
  }

  // Adds the share of another secret, so that the spoiled points agree with each other.
  void shift(const std::vector<std::size_t>& indexes) {
    auto other = split(Bytes(secret_.size(), 0x42), k_, n_, randomness_);
    REQUIRE(other);
    for (const std::size_t index : indexes) {
      const ByteView delta = (*other)[points[index].x - 1U].view();
      for (std::size_t i = 0; i < delta.size(); ++i) points[index].share[i] ^= delta[i];
    }
  }

  Result<CheckedSecret> run() {
    checks = 0;
    return recover_checked(views(points), k_, n_, [this](ByteView candidate) {
      ++checks;
      return constant_time_equal(candidate, secret_);
    });
  }

  void check_recovers(std::vector<std::uint8_t> wrong) {
    const Result<CheckedSecret> result = run();
    REQUIRE(result);
    CHECK(to_hex(result->secret.view()) == to_hex(secret_));
    std::vector<std::uint8_t> named = result->wrong;
    std::sort(named.begin(), named.end());
    std::sort(wrong.begin(), wrong.end());
    CHECK(named == wrong);
  }

  void check_fails(ErrorKind kind) {
    const Result<CheckedSecret> result = run();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == kind);
  }

  ReproducibleRandomness& randomness() { return randomness_; }

  std::vector<OwnedPoint> points;
  int checks = 0;

 private:
  ReproducibleRandomness randomness_;
  std::size_t k_;
  std::size_t n_;
  Bytes secret_;
};

TEST_CASE("share decoding: right shares are recovered by the first check, and none is called wrong") {
  for (std::size_t m = 3; m <= 5; ++m) {
    Scene scene(3, 5, 64, 30);
    scene.points.resize(m);
    scene.check_recovers({});
    CHECK(scene.checks == 1);
  }
}

TEST_CASE("share decoding: a wrong share beyond the first k is named after one check") {
  Scene scene(3, 5, 64, 31);
  scene.spoil(4);
  scene.check_recovers({5});
  CHECK(scene.checks == 1);
}

TEST_CASE("share decoding: of up to 16 hubs any set of wrong shares is found while k are right") {
  for (const auto& shape : {std::pair{2, 3}, {2, 4}, {3, 5}, {4, 7}, {2, 7}}) {
    const int k = shape.first;
    const int n = shape.second;
    for (std::uint32_t mask = 0; mask < (1U << n); ++mask) {
      if (n - __builtin_popcount(mask) < k) continue;
      CAPTURE(n);
      CAPTURE(mask);
      Scene scene(static_cast<std::size_t>(k), static_cast<std::size_t>(n), 40, 32 + mask);
      std::vector<std::uint8_t> wrong;
      for (std::size_t i = 0; i < scene.points.size(); ++i) {
        if ((mask >> i & 1) == 0) continue;
        scene.spoil(i);
        wrong.push_back(scene.points[i].x);
      }
      scene.check_recovers(wrong);
    }
  }
}

TEST_CASE("share decoding: wrong shares that agree with each other are found too") {
  Scene scene(3, 7, 48, 33);
  scene.shift({0, 1, 2, 3});
  scene.check_recovers({1, 2, 3, 4});
  CHECK(scene.checks > 1);
}

TEST_CASE("share decoding: with fewer than k right shares the answer is corrupt") {
  Scene scene(3, 5, 32, 34);
  for (const std::size_t i : {0U, 2U, 4U}) scene.spoil(i);
  scene.check_fails(ErrorKind::corrupt);
  CHECK(scene.checks <= 11);  // the 10 subsets, one of them again after error correction

  Scene exact(3, 5, 32, 35);
  exact.points.resize(3);
  exact.spoil(1);
  exact.check_fails(ErrorKind::corrupt);
  CHECK(exact.checks == 1);
}

TEST_CASE("share decoding: shares that all agree on a secret that fails are not tried over and over") {
  Scene scene(8, 16, 32, 36);
  std::vector<std::size_t> all(16);
  std::iota(all.begin(), all.end(), std::size_t{0});
  scene.shift(all);
  scene.check_fails(ErrorKind::corrupt);
  CHECK(scene.checks == 1);
}

TEST_CASE("share decoding: of more than 16 hubs up to (m - k) / 2 wrong ones are corrected with two checks") {
  struct Shape {
    std::size_t k, n, m;
  };
  const Shape shapes[] = {{5, 17, 17}, {9, 20, 20}, {9, 20, 16}, {2, 40, 40}, {20, 41, 37}, {100, 255, 255}};
  std::uint32_t seed = 37;
  for (const Shape& shape : shapes) {
    const std::size_t k = shape.k;
    const std::size_t n = shape.n;
    const std::size_t m = shape.m;
    for (std::size_t errors = 0; errors <= (m - k) / 2; errors += 1 + errors / 8) {
      CAPTURE(n);
      CAPTURE(errors);
      Scene scene(k, n, 24, ++seed);
      while (scene.points.size() > m) {
        scene.points.erase(scene.points.begin() +
                           static_cast<std::ptrdiff_t>(scene.randomness().below(scene.points.size())));
      }
      std::vector<std::size_t> order(m);
      std::iota(order.begin(), order.end(), std::size_t{0});
      for (std::size_t i = 0; i < errors; ++i)
        std::swap(order[i], order[i + scene.randomness().below(m - i)]);
      std::vector<std::uint8_t> wrong;
      for (std::size_t i = 0; i < errors; ++i) {
        scene.spoil(order[i]);
        wrong.push_back(scene.points[order[i]].x);
      }
      scene.check_recovers(wrong);
      CHECK(scene.checks <= 2);
    }
  }
}

TEST_CASE("share decoding: wrong shares that err at different bytes are all found") {
  Scene scene(5, 21, 64, 90);
  std::vector<std::uint8_t> wrong;
  for (std::size_t i = 0; i < 8; ++i) {  // (21 - 5) / 2, each wrong at one byte of its own
    scene.points[2 * i].share[63 - 5 * i] ^= 0x80;
    wrong.push_back(scene.points[2 * i].x);
  }
  scene.check_recovers(wrong);
}

TEST_CASE(
    "share decoding: of more than 16 hubs too many that are wrong throughout end in corrupt, never in a "
    "wrong secret") {
  for (std::uint32_t seed = 100; seed < 130; ++seed) {
    Scene scene(6, 18, 16, seed);
    for (std::size_t i = 0; i < 7 + seed % 5; ++i) {
      for (std::uint8_t& byte : scene.points[i].share) {
        byte ^= static_cast<std::uint8_t>(1 + scene.randomness().below(255));
      }
    }
    scene.check_fails(ErrorKind::corrupt);
    CHECK(scene.checks == 1);  // no guess is worth a second one
  }
  Scene colluding(6, 18, 16, 130);
  colluding.shift({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  colluding.check_fails(ErrorKind::corrupt);
}

TEST_CASE("share decoding: the order in which points come does not matter") {
  Scene scene(3, 6, 33, 140);
  scene.spoil(1);
  scene.spoil(5);
  for (int i = 0; i < 30; ++i) {
    std::swap(scene.points[scene.randomness().below(6)], scene.points[scene.randomness().below(6)]);
    scene.check_recovers({2, 6});
  }
}

TEST_CASE("share decoding: fewer than k points are unavailable, and are not checked") {
  Scene scene(3, 5, 16, 150);
  scene.points.resize(2);
  scene.check_fails(ErrorKind::unavailable);
  scene.points.clear();
  scene.check_fails(ErrorKind::unavailable);
  CHECK(scene.checks == 0);
}

TEST_CASE("share decoding: arguments that cannot be are refused without a check") {
  const Bytes share(4, 1);
  const Bytes longer(5, 1);
  const std::vector<SharePoint> good = {{1, share}, {2, share}, {3, share}};
  const auto never = [](ByteView) -> bool { throw std::runtime_error("checked"); };
  const auto refused = [&](const std::vector<SharePoint>& points, std::size_t k, std::size_t n) {
    const Result<CheckedSecret> result = recover_checked(points, k, n, never);
    return !result && result.error().kind == ErrorKind::invalid;
  };
  CHECK(refused(good, 0, 3));
  CHECK(refused(good, 1, 3));
  CHECK(refused(good, 4, 3));
  CHECK(refused(good, 2, 256));
  CHECK(refused(good, 2, 2));  // x = 3 beyond n
  CHECK(refused({{0, share}, {1, share}}, 2, 3));
  CHECK(refused({{1, share}, {2, share}, {1, share}}, 2, 3));
  CHECK(refused({{1, share}, {2, longer}}, 2, 3));
  CHECK(refused({{1, {}}, {2, {}}}, 2, 3));
}

}  // namespace
}  // namespace dske
