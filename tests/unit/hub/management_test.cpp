#include <doctest/doctest.h>

#include "base/json.h"
#include "hub/client_routes.h"
#include "hub/psrd_listing.h"
#include "hub/running_hub.h"

namespace dske::hub::test {
namespace {

// "ingested" of the first block of the first client that has one.
bool told_as_ingested(const SecretBytes& text) {
  const auto document = json::Document::parse(text.text());
  REQUIRE(document.has_value());
  for (const json::Value& client : document->root().member("clients")->elements()) {
    for (const json::Value& block : client.member("blocks")->elements()) {
      return block.member("ingested")->boolean().value();
    }
  }
  FAIL("no block is told");
  return false;
}

TEST_CASE("a block counts as ingested once its client has listed it, or the store says so") {
  RunningHub hub;
  HandClient carol = hub.assign("carol");
  CHECK_FALSE(told_as_ingested(psrd_json(hub.clients(), ReadyFiles("/nowhere"))));
  CHECK(told_as_ingested(psrd_json(hub.clients(), ReadyFiles("/nowhere"), {carol.block()})));
  REQUIRE(hub.register_as(carol, hub.registration_of(carol, 1)).status() == 200);
  CHECK(told_as_ingested(psrd_json(hub.clients(), ReadyFiles("/nowhere"))));
}

TEST_CASE("clients are told with their id, SAEs and whether they have registered") {
  RunningHub hub;
  (void)hub.registered("carol");
  const auto document = json::Document::parse(clients_json(hub.clients()).text());
  REQUIRE(document.has_value());
  const auto clients = document->root().member("clients")->elements();
  REQUIRE(clients.size() == 3);
  CHECK(clients[0].member("name")->string() == "carol");
  CHECK(clients[0].member("client_id")->string() == hub.client("carol")->id().text());
  CHECK(clients[0].member("sae_ids")->elements().size() == 1);
  CHECK(clients[0].member("registered")->boolean() == true);
  CHECK(clients[1].member("name")->string() == "celia");
  CHECK(clients[1].member("registered")->boolean() == false);
}

}  // namespace
}  // namespace dske::hub::test
