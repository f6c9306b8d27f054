#include "bench/table_sharing.h"

#include <doctest/doctest.h>

#include "dske/secret_sharing.h"

using namespace dske;
using bench::TableShare;

TEST_CASE("what the tables have split, the product recovers, and the other way round") {
  SystemRandomness randomness;
  SecretBytes secret = randomness.bytes(300);
  secret.data()[7] = 0;
  const auto by_tables = bench::table_split(secret.view(), 3, 5, randomness);
  std::vector<SharePoint> points;
  for (const std::size_t i : {4U, 0U, 2U}) points.push_back({by_tables[i].x, by_tables[i].bytes});
  const auto recovered = recover(points);
  REQUIRE(recovered);
  CHECK(constant_time_equal(recovered->view(), secret.view()));

  const auto shares = split(secret.view(), 3, 5, randomness);
  REQUIRE(shares);
  std::vector<TableShare> chosen;
  for (const std::size_t i : {1U, 3U, 2U}) {
    const ByteView share = (*shares)[i].view();
    chosen.push_back({static_cast<std::uint8_t>(i + 1), {share.begin(), share.end()}});
  }
  CHECK(constant_time_equal(bench::table_recover(chosen), secret.view()));
  chosen.pop_back();
  CHECK_FALSE(constant_time_equal(bench::table_recover(chosen), secret.view()));
}
