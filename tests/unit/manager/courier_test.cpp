#include "manager/courier.h"

#include <doctest/doctest.h>

#include "manager/courier_process.h"
#include "manager/status_fixture.h"
#include "manager/status_table.h"

namespace dske::manager::test {
namespace {

// What `blocks` whole blocks of the default sizes give.
PsrdLevel whole_blocks(std::int64_t blocks) {
  PsrdLevel level;
  level.blocks = blocks;
  level.client_authenticator = level.hub_authenticator = {65536 * blocks, 65536 * blocks};
  level.client_pad = level.hub_pad = {196608 * blocks, 196608 * blocks};
  return level;
}

TEST_CASE("an idle client is brought blocks until it has as many as its high mark") {
  const PsrdSizes sizes;
  for (const std::int64_t mark : {1, 4}) {
    for (std::int64_t blocks = 0; blocks < mark; ++blocks)
      CHECK(is_below_high_mark(whole_blocks(blocks), sizes, mark));
    CHECK_FALSE(is_below_high_mark(whole_blocks(mark), sizes, mark));
    CHECK_FALSE(is_below_high_mark(whole_blocks(mark + 1), sizes, mark));
  }
}

TEST_CASE("what counts is what is left of the scarcest zone, however many blocks there are") {
  const PsrdSizes sizes;
  for (ZoneLevel PsrdLevel::*zone : {&PsrdLevel::client_authenticator, &PsrdLevel::client_pad,
                                     &PsrdLevel::hub_authenticator, &PsrdLevel::hub_pad}) {
    PsrdLevel level = whole_blocks(4);
    const std::int64_t one_block = (level.*zone).total_bytes / 4;
    (level.*zone).left_bytes = 3 * one_block + 1;
    CHECK_FALSE(is_below_high_mark(level, sizes, 4));
    (level.*zone).left_bytes = 3 * one_block;
    CHECK(is_below_high_mark(level, sizes, 4));
    (level.*zone).left_bytes = 0;
    CHECK(is_below_high_mark(level, sizes, 1));
  }
}

TEST_CASE("the two halves have sizes of their own") {
  PsrdSizes sizes;
  sizes.client_bytes = 2 * sizes.hub_bytes;
  CHECK(is_below_high_mark(whole_blocks(4), sizes, 4));  // by the client's half it has two
  CHECK_FALSE(is_below_high_mark(whole_blocks(8), sizes, 4));
}

TEST_CASE("status tells of the courier if the network has one") {
  const std::vector<NodeReport> reports{report_of(NodeKind::hub, "hank", 8100)};
  const TableStyle plain{false, false, 100};
  CHECK(status_table(reports, {}, plain).find("COURIER") == std::string::npos);
  CHECK(status_table(reports, {CourierState::running, 4711}, plain).find("\nCOURIER  running  pid 4711\n") !=
        std::string::npos);
  CHECK(status_table(reports, {CourierState::dead, {}}, plain).find("\nCOURIER  dead\n") !=
        std::string::npos);
  CHECK(reports_json(reports, {}).ends_with(R"("courier":{"state":"none","pid":null}})"));
  CHECK(reports_json(reports, {CourierState::running, 4711})
            .ends_with(R"("courier":{"state":"running","pid":4711}})"));
}

}  // namespace
}  // namespace dske::manager::test
