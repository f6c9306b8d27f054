#include "manager/management_client.h"

#include <string>

#include <doctest/doctest.h>

using namespace dske;
using namespace dske::manager;

namespace {

const std::string kPsrd =
    R"({"blocks": 1, "level_percent": 97.3, "client_authenticator": {"left_bytes": 65000, "total_bytes": 65536},)"
    R"( "client_pad": {"left_bytes": 1, "total_bytes": 2}, "hub_authenticator": {"left_bytes": 3, "total_bytes": 4},)"
    R"( "hub_pad": {"left_bytes": 5, "total_bytes": 6}})";

}  // namespace

TEST_CASE("a hub's status is read with its clients") {
  const auto status = parse_status(
      R"({"type": "hub", "name": "hank", "hub_id": "x", "version": "0.1.0", "pid": 4711, "state": "ready",)"
      R"( "uptime_seconds": 12, "url": "u", "mgmt_url": "m", "clients": [{"name": "carol", "client_id": "y",)"
      R"( "sae_ids": ["sam", "sue"], "registered": true, "psrd": )" +
          kPsrd + R"(}], "waiting_bundles": 0, "refused_messages": 0, "warnings": ["low"]})",
      NodeKind::hub);
  REQUIRE(status.has_value());
  CHECK(status->pid == 4711);
  CHECK(status->state == "ready");
  CHECK(status->uptime_seconds == 12);
  CHECK(status->warnings == std::vector<std::string>{"low"});
  REQUIRE(status->peers.size() == 1);
  CHECK(status->peers[0].name == "carol");
  CHECK(status->peers[0].state == "registered");
  CHECK(status->peers[0].sae_ids == std::vector<std::string>{"sam", "sue"});
  CHECK(status->peers[0].psrd.percent == doctest::Approx(97.3));
  CHECK(status->peers[0].psrd.client_authenticator.left_bytes == 65000);
  CHECK(status->peers[0].psrd.hub_pad.total_bytes == 6);
}

TEST_CASE("a KME's status is read with its hubs") {
  const auto status = parse_status(
      R"({"type": "client", "name": "carol", "version": "0.1.0", "pid": 4712, "state": "not ready",)"
      R"( "uptime_seconds": 1, "encryptors": ["carol"], "shares_required": 3, "hubs": [{"name": "hank", "hub_id": "x",)"
      R"( "endpoint": "e", "state": "unreachable", "error": "refused", "psrd": )" +
          kPsrd + R"(, "wrong_shares": 2}], "warnings": []})",
      NodeKind::client);
  REQUIRE(status.has_value());
  CHECK(status->state == "not ready");
  REQUIRE(status->peers.size() == 1);
  CHECK(status->peers[0].state == "unreachable");
  CHECK(status->peers[0].error == "refused");
  CHECK(status->peers[0].wrong_shares == 2);
}

TEST_CASE("an answer that is no status is an error that names what is wrong") {
  for (const char* text : {"", "[]", "{}", R"({"pid": 0})",
                           R"({"pid": 1, "state": "ready", "uptime_seconds": 0, "version": "",)"
                           R"( "warnings": [], "clients": [{"name": "carol"}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_status(text, NodeKind::hub).has_value());
  }
}
