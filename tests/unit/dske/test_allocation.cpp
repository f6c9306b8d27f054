// Allocations as headers carry them.
#include <string>

#include <doctest/doctest.h>

#include "dske/allocation.h"
#include "sample_messages.h"

namespace dske {
namespace {

using test::kBlock;
using test::kOther;

TEST_CASE("allocations: a header's fragments are read as they are written") {
  for (const std::string& text :
       {kBlock + ":0:32", kBlock + ":281474976710655:1", kBlock + ":0:16," + kBlock + ":16:16",
        kBlock + ":96:16," + kOther + ":96:16"}) {
    CAPTURE(text);
    const auto allocation = parse_allocation(text);
    REQUIRE(allocation);
    CHECK(allocation_text(*allocation) == text);
  }
}

TEST_CASE("allocations: malformed, empty and overlapping fragments are refused") {
  std::string many = kBlock + ":0:1";
  for (int i = 1; i < 65; ++i) many += "," + kBlock + ":" + std::to_string(i) + ":1";
  for (const std::string& text : {std::string(),
                                  std::string(","),
                                  kBlock,
                                  kBlock + ":0",
                                  kBlock + ":0:",
                                  kBlock + "::1",
                                  kBlock + ":0:0",
                                  kBlock + ":00:1",
                                  kBlock + ":0:01",
                                  kBlock + ":-1:1",
                                  kBlock + ":+1:1",
                                  kBlock + ":0x1:1",
                                  kBlock + ": 0:1",
                                  kBlock + ":0:1 ",
                                  kBlock + ":0:1:2",
                                  kBlock + ":0:1,",
                                  "," + kBlock + ":0:1",
                                  kBlock + ":0:1;" + kOther + ":0:1",
                                  kBlock + ":281474976710656:1",
                                  kBlock + ":0:281474976710656",
                                  kBlock + ":99999999999999999999:1",
                                  kBlock.substr(1) + ":0:1",
                                  "{" + kBlock + "}:0:1",
                                  kBlock + ":0:32," + kBlock + ":31:1",
                                  kBlock + ":0:32," + kBlock + ":0:32",
                                  kBlock + ":10:5," + kOther + ":10:5," + kBlock + ":5:6",
                                  many}) {
    CAPTURE(text);
    CHECK_FALSE(parse_allocation(text));
  }
}

}  // namespace
}  // namespace dske
