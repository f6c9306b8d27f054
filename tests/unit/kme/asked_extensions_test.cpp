#include "kme/asked_extensions.h"

#include <doctest/doctest.h>

#include "kme/extensions/registry.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using etsi014::ApiResult;
using std::chrono::seconds;

constexpr std::size_t kHubs = 5;

ApiResult<AskedExtensions> ask(const std::string& mandatory, const std::string& optional = "") {
  const auto request = etsi014::parse_key_request(
      "", R"({"extension_mandatory":[{)" + mandatory + R"(}],"extension_optional":[{)" + optional + "}]}",
      {store::test::sae("carol"), store::test::sae("celia")}, {}, extension_names());
  if (!request) return request.error();
  return AskedExtensions::read(*request, kHubs);
}

Demand demand_of(const std::string& mandatory, const std::string& optional = "") {
  const auto asked = ask(mandatory, optional);
  REQUIRE(asked.has_value());
  CHECK(asked->any());
  return asked->demand();
}

std::string details_of(const etsi014::ApiError& error) {
  std::string text;
  for (const auto& [name, value] : error.details) text += name + "=" + value + ";";
  return text;
}

void check_unmet(const std::string& mandatory, const std::string& details) {
  CAPTURE(mandatory);
  const auto asked = ask(mandatory);
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().status == 400);
  CHECK(asked.error().message == "not all extension_mandatory request options could be met");
  CHECK(details_of(asked.error()) == details);
}

TEST_CASE("each known extension asks for what its name says, mandatory or optional") {
  for (const bool optional : {false, true}) {
    const auto demand = [&](const std::string& text) {
      return optional ? demand_of("", text) : demand_of(text);
    };
    CHECK(demand(R"("DSKE_max_age_seconds":600)").max_age == seconds(600));
    CHECK(demand(R"("DSKE_min_shares_required":4)").shares_required == 4);
    CHECK(demand(R"("DSKE_min_hubs":5)").hubs == 5);
  }
}

TEST_CASE("a request without known extensions asks nothing") {
  const auto asked = ask("", R"("vendor_x":[1])");
  REQUIRE(asked.has_value());
  CHECK_FALSE(asked->any());
  CHECK(asked->demand().lifetime(seconds(86400)) == seconds(86400));
  CHECK(asked->demand().hubs_needed() == 0);
}

TEST_CASE("of several the strictest counts, also of one that needs hubs for another reason") {
  const Demand demand =
      demand_of(R"("DSKE_min_shares_required":4,"DSKE_min_hubs":3)", R"("DSKE_max_age_seconds":60)");
  CHECK(demand.shares_required == 4);
  CHECK(demand.hubs == 3);
  CHECK(demand.hubs_needed() == 4);
  CHECK(demand.max_age == seconds(60));
}

TEST_CASE("a name in both arrays counts as mandatory") {
  CHECK(demand_of(R"("DSKE_min_hubs":3)", R"("DSKE_min_hubs":5)").hubs == 3);
  check_unmet(R"("DSKE_min_hubs":"x")",
              "extension_mandatory_unmet=DSKE_min_hubs: must be an integer of at least 1;");
}

TEST_CASE("a bundle lives shorter than its keys may be old, and no longer than usual") {
  CHECK(demand_of(R"("DSKE_max_age_seconds":600)").lifetime(seconds(86400)) == seconds(588));
  CHECK(demand_of(R"("DSKE_max_age_seconds":600)").lifetime(seconds(300)) == seconds(300));
  CHECK(demand_of(R"("DSKE_max_age_seconds":20)").lifetime(seconds(86400)) == seconds(8));
  CHECK(demand_of(R"("DSKE_max_age_seconds":9223372036854775807)").lifetime(seconds(86400)) ==
        seconds(86400));
}

TEST_CASE("mandatory values that can never be met are told in the standard's words, each with its reason") {
  check_unmet(R"("DSKE_max_age_seconds":19)",
              "extension_mandatory_unmet=DSKE_max_age_seconds: must be an integer of at least 20, not 19;");
  check_unmet(R"("DSKE_max_age_seconds":60.5,"DSKE_min_hubs":0)",
              "extension_mandatory_unmet=DSKE_max_age_seconds: must be an integer of at least 20;"
              "extension_mandatory_unmet=DSKE_min_hubs: must be an integer of at least 1, not 0;");
  check_unmet(R"("DSKE_min_hubs":6)",
              "extension_mandatory_unmet=DSKE_min_hubs: needs 6 hubs, this KME has 5;");
  check_unmet(
      R"("DSKE_min_shares_required":9223372036854775807)",
      "extension_mandatory_unmet=DSKE_min_shares_required: needs 9223372036854775807 hubs, this KME has 5;");
  for (const std::string value : {"null", "\"3\"", "[3]", "{}", "true", "-1", "1e30"}) {
    CAPTURE(value);
    CHECK_FALSE(ask("\"DSKE_min_shares_required\":" + value).has_value());
  }
}

TEST_CASE("optional values that can never be met are ignored, but the answer tells what holds") {
  const auto asked = ask("", R"("DSKE_max_age_seconds":"x","DSKE_min_hubs":6,"DSKE_min_shares_required":4)");
  REQUIRE(asked.has_value());
  CHECK(asked->any());
  CHECK(asked->demand().shares_required == 4);
  CHECK(asked->demand().hubs == 0);
  CHECK(asked->demand().max_age == seconds::max());
}

TEST_CASE("with fewer hubs than asked for, optional extensions are given up and mandatory ones fail") {
  auto asked = ask(R"("DSKE_min_hubs":3)", R"("DSKE_min_shares_required":4,"DSKE_max_age_seconds":60)");
  REQUIRE(asked.has_value());
  CHECK(asked->settle_for(4, "x").value() == false);
  CHECK(asked->demand().shares_required == 4);
  CHECK(asked->settle_for(3, "x").value() == true);
  CHECK(asked->demand().shares_required == 0);
  CHECK(asked->demand().max_age == seconds(60));
  CHECK(asked->settle_for(3, "x").value() == false);
  const auto failed = asked->settle_for(2, "hank is down");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message == "not all extension_mandatory request options could be met");
  CHECK(details_of(failed.error()) == "extension_mandatory_unmet=DSKE_min_hubs: hank is down;");
}

TEST_CASE("every extension's name carries the vendor prefix, and is found") {
  CHECK(extension_names().size() == 3);
  for (const std::string_view name : extension_names()) {
    CHECK(name.starts_with("DSKE_"));
    REQUIRE(find_extension(name) != nullptr);
    CHECK(find_extension(name)->name == name);
  }
  CHECK(find_extension("DSKE_") == nullptr);
}

}  // namespace
}  // namespace dske::kme
