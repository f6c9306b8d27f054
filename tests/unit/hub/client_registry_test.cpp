#include "hub/client_registry.h"

#include <doctest/doctest.h>

#include "hub/running_hub.h"
#include "memory_block.h"

namespace dske::hub::test {
namespace {

using store::test::random_id;
using store::test::sae;

store::ClientRecord record(std::string_view name, std::vector<SaeId> saes) {
  return {store::test::client(name), random_id<ClientId>(), std::move(saes), 0};
}

TEST_CASE("clients are found by name, SAE and block, strangers are not") {
  RunningHub hub;
  ClientRegistry clients(hub.store());
  const auto carol = clients.put(record("carol", {sae("carol"), sae("carol, site B")}));
  store::test::NewBlock block = store::test::random_block(Side::hub);
  clients.add_block(carol, dske::test::memory_block(block.id, block.layout, std::move(block.data), Side::hub),
                    false);
  CHECK(clients.by_name(store::test::client("carol")) == carol);
  CHECK(clients.by_sae(sae("carol, site B")) == carol);
  CHECK(clients.by_block(block.id) == carol);
  CHECK(clients.by_name(store::test::client("celia")) == nullptr);
  CHECK(clients.by_sae(sae("celia")) == nullptr);
  CHECK(clients.by_block(random_id<BlockId>()) == nullptr);
  CHECK(clients.all().size() == 1);
}

TEST_CASE("putting a client again changes its SAEs and keeps the rest") {
  RunningHub hub;
  ClientRegistry clients(hub.store());
  const auto carol = clients.put(record("carol", {sae("a"), sae("b")}));
  carol->registered_as(7, SecretBytes(32));
  CHECK(clients.put(record("carol", {sae("b"), sae("c")})) == carol);
  CHECK(carol->registration_number() == 7);
  CHECK(clients.by_sae(sae("a")) == nullptr);
  CHECK(clients.by_sae(sae("b")) == carol);
  CHECK(clients.by_sae(sae("c")) == carol);
  CHECK_FALSE(carol->serves(sae("a")));
  CHECK(carol->serves(sae("c")));
}

TEST_CASE("a client loses only SAEs that are its own") {
  RunningHub hub;
  ClientRegistry clients(hub.store());
  const auto carol = clients.put(record("carol", {sae("a"), sae("b")}));
  // Moved by the operator: the store has it bound to the other when that is put.
  const auto celia = clients.put(record("celia", {sae("a")}));
  CHECK(clients.put(record("carol", {sae("b")})) == carol);
  CHECK(clients.by_sae(sae("a")) == celia);
  CHECK(clients.by_sae(sae("b")) == carol);
}

TEST_CASE("a removed block is no longer anyone's") {
  RunningHub hub;
  ClientRegistry clients(hub.store());
  const auto carol = clients.put(record("carol", {}));
  store::test::NewBlock block = store::test::random_block(Side::hub);
  const BlockId id = block.id;
  clients.add_block(carol, dske::test::memory_block(id, block.layout, std::move(block.data), Side::hub),
                    false);
  CHECK(carol->pool().has_block(id));
  clients.remove_block(id);
  clients.remove_block(id);
  CHECK(clients.by_block(id) == nullptr);
  CHECK_FALSE(carol->pool().has_block(id));
}

TEST_CASE("what waits for a client is held within its limits, in bundles and in bytes") {
  RunningHub hub;
  ClientRegistry clients(hub.store());
  const auto carol = clients.put(record("carol", {}));
  CHECK(carol->begin_waiting(60, 3, 100));
  CHECK_FALSE(carol->begin_waiting(41, 3, 100));
  CHECK(carol->begin_waiting(40, 3, 100));
  carol->end_waiting(1, 60);
  CHECK(carol->begin_waiting(1, 3, 100));
  CHECK(carol->begin_waiting(1, 3, 100));
  CHECK_FALSE(carol->begin_waiting(1, 3, 100));
  CHECK(carol->waiting_bundles() == 3);
}

TEST_CASE("more can end than was counted, and nothing wraps around") {
  RunningHub hub;
  ClientRegistry clients(hub.store());
  const auto carol = clients.put(record("carol", {}));
  carol->add_waiting(2, 100);
  carol->end_waiting(5, 1000);
  CHECK(carol->waiting_bundles() == 0);
  CHECK(carol->begin_waiting(100, 1, 100));
}

TEST_CASE("a registration takes effect only if its number is greater") {
  RunningHub hub;
  ClientRegistry clients(hub.store());
  const auto carol = clients.put(record("carol", {}));
  CHECK_FALSE(carol->registered());
  carol->registered_as(3, SecretBytes::copy_of("three"));
  carol->registered_as(2, SecretBytes::copy_of("two"));
  carol->registered_as(3, SecretBytes::copy_of("again"));
  CHECK(carol->registered());
  CHECK(carol->registration_number() == 3);
  std::string key;
  carol->with_polling_key([&](ByteView bytes) { key = as_text(bytes); });
  CHECK(key == "three");
}

}  // namespace
}  // namespace dske::hub::test
