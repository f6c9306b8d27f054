#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

HubRecord hub_record(std::string_view hub_name) {
  return {random_id<HubId>(), name<HubName>(hub_name), "http://127.0.0.1:8100", random_id<ClientId>()};
}

Result<PsrdBlock> ingest(KmeStore& store, const HubRecord& hub, const NewBlock& block) {
  return answer_of<PsrdBlock>(
      [&](auto done) { store.ingest_block(hub, written(store, block), std::move(done)); });
}

Result<std::uint64_t> next_number(KmeStore& store, const HubId& hub) {
  return answer_of<std::uint64_t>([&](auto done) { store.next_registration_number(hub, std::move(done)); });
}

Result<void> begin(KmeStore& store, const PostedBundle& bundle) {
  return answer_of<void>([&](auto done) { store.begin_bundle(bundle, std::move(done)); });
}

Result<void> hold(KmeStore& store, const HeldBundle& bundle) {
  return answer_of<void>([&](auto done) {
    store.hold_bundle({bundle.context, bundle.keys.clone(), bundle.expires, bundle.delivered},
                      std::move(done));
  });
}

Result<void> deliver(KmeStore& store, const HeldBundle& bundle, std::string_view to,
                     std::vector<std::uint16_t> indices, const std::vector<SaeId>& local_slaves) {
  return answer_of<void>([&](auto done) {
    std::vector<Delivery> deliveries;
    deliveries.push_back({bundle.context.name(), sae(to), std::move(indices), local_slaves});
    store.record_deliveries(std::move(deliveries), std::move(done));
  });
}

KmeStore::Contents contents_of(KmeStore& store) {
  auto contents = store.load();
  require_ok(contents);
  return std::move(*contents);
}

}  // namespace

TEST_CASE("a block is ingested with its hub, once and for ever") {
  const TemporaryDirectory dir;
  auto hub = hub_record("hank");
  const NewBlock first = random_block(Side::client);
  const NewBlock second = random_block(Side::client);
  {
    const auto store = new_kme(dir.path());
    require_ok(ingest(*store, hub, first));
    CHECK(kind_of(ingest(*store, hub, first)) == ErrorKind::conflict);
    require_ok(answer_of<void>([&](auto done) { store->drop_block(first.id, std::move(done)); }));
    CHECK(kind_of(ingest(*store, hub, first)) == ErrorKind::conflict);
    require_ok(answer_of<void>([&](auto done) { store->drop_block(first.id, std::move(done)); }));
  }
  auto store = open_kme(dir.path());
  require_ok(store);
  // A block that is refused changes nothing of its hub either.
  hub.endpoint = "http://192.0.2.1:8100";
  CHECK(kind_of(ingest(**store, hub, first)) == ErrorKind::conflict);
  CHECK(contents_of(**store).hubs.at(0).endpoint == "http://127.0.0.1:8100");
  require_ok(ingest(**store, hub, second));

  const auto contents = contents_of(**store);
  REQUIRE(contents.hubs.size() == 1);
  CHECK(contents.hubs[0].id == hub.id);
  CHECK(contents.hubs[0].name == hub.name);
  CHECK(contents.hubs[0].endpoint == hub.endpoint);
  CHECK(contents.hubs[0].client_id == hub.client_id);
  REQUIRE(contents.blocks.size() == 1);
  CHECK(contents.blocks[0].hub == hub.id);
  CHECK(contents.blocks[0].block.id == second.id);
  CHECK(same_bytes(contents.blocks[0].block, second, 0, second.layout.total()));
}

TEST_CASE("registration numbers grow, also across a restart and when the hub's record changes") {
  const TemporaryDirectory dir;
  const auto hub = hub_record("hank");
  std::uint64_t last = 0;
  {
    const auto store = new_kme(dir.path());
    CHECK(kind_of(next_number(*store, hub.id)) == ErrorKind::not_found);
    require_ok(ingest(*store, hub, random_block(Side::client)));
    for (int i = 0; i < 5; ++i) {
      const auto number = next_number(*store, hub.id);
      require_ok(number);
      CHECK(*number > last);
      last = *number;
    }
  }
  auto store = open_kme(dir.path());
  require_ok(store);
  require_ok(ingest(**store, hub, random_block(Side::client)));
  const auto number = next_number(**store, hub.id);
  require_ok(number);
  CHECK(*number > last);
}

TEST_CASE("only bundles without enough acknowledgements come back after a restart") {
  const TemporaryDirectory dir;
  const PostedBundle acknowledged{random_bundle(), {random_id<HubId>()}, deadline(seconds(60))};
  const PostedBundle forgotten{random_bundle(), {}, deadline(seconds(60))};
  const PostedBundle left{random_bundle(), {random_id<HubId>(), random_id<HubId>()}, deadline(seconds(60))};
  const PostedBundle over{random_bundle(), {}, deadline(seconds(-1))};
  {
    const auto store = new_kme(dir.path());
    for (const auto& bundle : {acknowledged, forgotten, left, over}) require_ok(begin(*store, bundle));
    CHECK(kind_of(begin(*store, left)) == ErrorKind::conflict);
    require_ok(
        answer_of<void>([&](auto done) { store->acknowledge_bundle(acknowledged.id, std::move(done)); }));
    require_ok(answer_of<void>([&](auto done) { store->forget_bundle(forgotten.id, std::move(done)); }));
    require_ok(answer_of<void>([&](auto done) { store->forget_bundle(forgotten.id, std::move(done)); }));
    const auto unknown =
        answer_of<void>([&](auto done) { store->acknowledge_bundle(forgotten.id, std::move(done)); });
    CHECK(kind_of(unknown) == ErrorKind::not_found);
  }
  auto store = open_kme(dir.path());
  require_ok(store);
  const auto contents = contents_of(**store);
  REQUIRE(contents.unacknowledged.size() == 1);
  CHECK(contents.unacknowledged[0].id == left.id);
  CHECK(contents.unacknowledged[0].hubs == left.hubs);
  CHECK(contents.unacknowledged[0].expires.boottime_nanos == left.expires.boottime_nanos);
}

TEST_CASE("held keys come back with what was delivered of them") {
  const TemporaryDirectory dir;
  const auto bundle = held_of(context(client("carol"), 20, true), deadline(seconds(60)));
  {
    const auto store = new_kme(dir.path());
    require_ok(hold(*store, bundle));
    CHECK(kind_of(hold(*store, bundle)) == ErrorKind::conflict);
    require_ok(deliver(*store, bundle, "celia", {0, 9, 19}, {sae("celia"), sae("frank")}));
    require_ok(deliver(*store, bundle, "celia", {9, 8}, {sae("celia"), sae("frank")}));
    require_ok(deliver(*store, bundle, "frank", {1}, {sae("celia"), sae("frank")}));
    CHECK(kind_of(deliver(*store, bundle, "frank", {2, 20}, {})) == ErrorKind::invalid);
  }
  auto store = open_kme(dir.path());
  require_ok(store);
  const auto contents = contents_of(**store);
  REQUIRE(contents.held.size() == 1);
  CHECK(contents.held[0].context == bundle.context);
  CHECK(constant_time_equal(contents.held[0].keys.view(), bundle.keys.view()));
  CHECK(contents.held[0].expires.wall_seconds == bundle.expires.wall_seconds);
  CHECK(contents.held[0].delivered ==
        std::map<SaeId, std::vector<std::uint16_t>>{{sae("celia"), {0, 8, 9, 19}}, {sae("frank"), {1}}});
}

TEST_CASE("a bundle goes when every local slave has got all of its keys") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  const auto bundle = held_of(context(client("carol"), 9, true), deadline(seconds(60)));
  const std::vector local{sae("celia"), sae("frank")};
  require_ok(hold(*store, bundle));
  require_ok(deliver(*store, bundle, "celia", {0, 1, 2, 3, 4, 5, 6, 7, 8}, local));
  CHECK(contents_of(*store).held.size() == 1);
  require_ok(deliver(*store, bundle, "frank", {0, 1, 2, 3, 4, 5, 6, 7}, local));
  CHECK(contents_of(*store).held.size() == 1);
  require_ok(deliver(*store, bundle, "frank", {8}, local));
  CHECK(contents_of(*store).held.empty());
  require_ok(deliver(*store, bundle, "frank", {8}, local));  // passed over
  CHECK(contents_of(*store).held.empty());
}

TEST_CASE("deliveries of many bundles are recorded together, all or none, but for bundles that are gone") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  const auto first = held_of(context(client("carol"), 4), deadline(seconds(60)));
  const auto second = held_of(context(client("carol"), 4), deadline(seconds(60)));
  const auto gone = held_of(context(client("carol"), 4), deadline(seconds(60)));
  require_ok(hold(*store, first));
  require_ok(hold(*store, second));
  const std::vector local{sae("celia")};
  const auto record = [&](std::uint16_t index_of_second) {
    return answer_of<void>([&](auto done) {
      store->record_deliveries({{first.context.name(), sae("celia"), {1}, local},
                                {gone.context.name(), sae("celia"), {1}, local},
                                {second.context.name(), sae("celia"), {index_of_second}, local}},
                               std::move(done));
    });
  };
  CHECK(kind_of(record(4)) == ErrorKind::invalid);
  for (const HeldBundle& bundle : contents_of(*store).held) CHECK(bundle.delivered.empty());
  require_ok(record(3));
  const auto held = contents_of(*store).held;
  REQUIRE(held.size() == 2);
  CHECK(held[0].delivered == std::map<SaeId, std::vector<std::uint16_t>>{{sae("celia"), {1}}});
  CHECK(held[1].delivered == std::map<SaeId, std::vector<std::uint16_t>>{{sae("celia"), {3}}});
}

TEST_CASE("a bundle is held with what was delivered of it already") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  auto bundle = held_of(context(client("carol"), 4), deadline(seconds(60)));
  bundle.delivered = {{sae("celia"), {0, 3}}};
  require_ok(hold(*store, bundle));
  CHECK(contents_of(*store).held.at(0).delivered == bundle.delivered);
}

TEST_CASE("keys that do not fit their context are refused") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  auto bundle = held_of(context(client("carol"), 2), deadline(seconds(60)));
  bundle.keys.resize(33);
  CHECK(kind_of(hold(*store, bundle)) == ErrorKind::invalid);
  bundle = held_of(context(client("carol"), 2), deadline(seconds(60)));
  bundle.context.hubs.clear();
  CHECK(kind_of(hold(*store, bundle)) == ErrorKind::invalid);
}

TEST_CASE("what outlived its lifetime is answered and gone, at once or at the next start") {
  const TemporaryDirectory dir;
  const auto kept = held_of(context(client("carol")), deadline_of_other_boot(seconds(60)));
  {
    const auto store = new_kme(dir.path());
    const auto over = held_of(context(client("carol")), deadline(seconds(-1)));
    const auto over_too = held_of(context(client("dave")), deadline_of_other_boot(seconds(-2)));
    for (const auto* bundle : {&over, &kept, &over_too}) require_ok(hold(*store, *bundle));
    const auto gone = answer_of<std::vector<BundleName>>([&](auto done) { store->expire(std::move(done)); });
    require_ok(gone);
    CHECK(*gone == std::vector{over.context.name(), over_too.context.name()});
    require_ok(hold(*store, held_of(context(client("erin")), deadline(seconds(-1)))));
  }
  auto store = open_kme(dir.path());
  require_ok(store);
  const auto contents = contents_of(**store);
  REQUIRE(contents.held.size() == 1);
  CHECK(contents.held[0].context == kept.context);
}

}  // namespace dske::store::test
