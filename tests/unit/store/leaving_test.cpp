// Clients that leave a hub, and hubs that a KME forgets.
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

// carol's two blocks, of which the first is listed; bundles of hers and of celia's.
struct Hub {
  TemporaryDirectory dir;
  std::unique_ptr<HubStore> store = new_hub(dir.path());
  BlockId listed = add_block("carol");
  BlockId unlisted = add_block("carol");
  BlockId of_celia = add_block("celia");

  Hub() { register_carol(1); }

  BlockId add_block(std::string_view who) {
    const NewBlock block = random_block(Side::hub);
    require_ok(answer_of<PsrdBlock>(
        [&](auto done) { store->add_block(client(who), written(*store, block), std::move(done)); }));
    return block.id;
  }
  void register_carol(std::uint64_t number) {
    require_ok(answer_of<void>([&](auto done) {
      store->register_client({client("carol"), number, {}, {listed}, {}}, std::move(done));
    }));
  }
  BundleName add_share(std::string_view initiator, std::vector<ClientName> claimants) {
    ShareRecord share = share_of(context(client(initiator)), deadline(seconds(3600)));
    const BundleName name = share.context.name();
    require_ok(answer_of<void>(
        [&](auto done) { store->add_share(std::move(share), std::move(claimants), std::move(done)); }));
    return name;
  }
  std::vector<WaitingAmount> leave(Leaving how) {
    auto gone = answer_of<std::vector<WaitingAmount>>(
        [&](auto done) { store->leave(client("carol"), how, std::move(done)); });
    require_ok(gone);
    return std::move(*gone);
  }
  bool gives(const BundleName& bundle, std::string_view claimant) {
    return answer_of<ShareRecord>(
               [&](auto done) { store->load_share(bundle, client(claimant), std::move(done)); })
        .has_value();
  }
  HubStore::Contents reopened() {
    store.reset();
    auto opened = open_hub(dir.path());
    require_ok(opened);
    store = std::move(*opened);
    auto contents = store->load();
    require_ok(contents);
    return std::move(*contents);
  }
};

const ClientRecord& carol_of(const HubStore::Contents& contents) {
  for (const ClientRecord& record : contents.clients) {
    if (record.name == client("carol")) return record;
  }
  FAIL("carol is gone");
  return contents.clients.front();
}

std::vector<BlockId> blocks_of(const HubStore::Contents& contents) {
  std::vector<BlockId> ids;
  for (const ClientBlock& block : contents.blocks) ids.push_back(block.block.id);
  return ids;
}

TEST_CASE("a client is registered from its first registration until it leaves") {
  Hub hub;
  CHECK(carol_of(hub.reopened()).registered);
  hub.leave(Leaving::keep_psrd);
  const auto contents = hub.reopened();
  CHECK_FALSE(carol_of(contents).registered);
  CHECK(carol_of(contents).registration_number == 1);
  CHECK(blocks_of(contents).size() == 3);
  for (const ClientBlock& block : contents.blocks) CHECK_FALSE(block.listed);
  hub.register_carol(2);
  CHECK(carol_of(hub.reopened()).registered);
}

TEST_CASE("who leaves for good loses the listed blocks, and nobody else any") {
  Hub hub;
  CHECK(hub.leave(Leaving::wipe_psrd).empty());
  const auto contents = hub.reopened();
  CHECK_FALSE(carol_of(contents).registered);
  CHECK(blocks_of(contents) == std::vector<BlockId>{hub.unlisted, hub.of_celia});
}

TEST_CASE("claims end with the client that leaves for good, what it initiated stays") {
  Hub hub;
  const BundleName own = hub.add_share("carol", {client("celia")});
  const BundleName alone = hub.add_share("celia", {client("carol")});
  const BundleName with_another = hub.add_share("celia", {client("carol"), client("celia")});
  hub.leave(Leaving::keep_psrd);
  CHECK(hub.gives(alone, "carol"));
  const auto gone = hub.leave(Leaving::wipe_psrd);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].initiator == client("celia"));
  CHECK(gone[0].bundles == 1);
  CHECK(gone[0].share_bytes == 64);
  CHECK(hub.gives(own, "celia"));
  CHECK_FALSE(hub.gives(alone, "carol"));
  CHECK_FALSE(hub.gives(with_another, "carol"));
  CHECK(hub.gives(with_another, "celia"));
  std::uint64_t waiting = 0;
  for (const WaitingAmount& amount : hub.reopened().waiting) waiting += amount.bundles;
  CHECK(waiting == 2);
}

TEST_CASE("only clients that are there leave") {
  Hub hub;
  const auto gone = answer_of<std::vector<WaitingAmount>>(
      [&](auto done) { hub.store->leave(client("nobody"), Leaving::wipe_psrd, std::move(done)); });
  CHECK(kind_of(gone) == ErrorKind::not_found);
}

TEST_CASE("a hub that is forgotten is gone with its blocks, which stay known for ever") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const HubRecord hank{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:8100",
                       random_id<ClientId>()};
  const HubRecord helen{random_id<HubId>(), name<HubName>("helen"), "http://127.0.0.1:8101",
                        random_id<ClientId>()};
  const auto ingest = [&](const HubRecord& hub, const BlockId& id) {
    NewBlock block = random_block(Side::client);
    block.id = id;
    return answer_of<PsrdBlock>(
        [&](auto done) { store->ingest_block(hub, written(*store, block), std::move(done)); });
  };
  const auto first = random_id<BlockId>();
  const auto other = random_id<BlockId>();
  require_ok(ingest(hank, first));
  require_ok(ingest(hank, random_id<BlockId>()));
  require_ok(ingest(helen, other));
  require_ok(answer_of<void>([&](auto done) { store->forget_hub(hank.id, std::move(done)); }));
  CHECK(kind_of(ingest(hank, first)) == ErrorKind::conflict);
  HubRecord made_anew = hank;
  made_anew.id = random_id<HubId>();
  require_ok(ingest(made_anew, random_id<BlockId>()));
  store.reset();
  auto opened = open_kme(dir.path());
  require_ok(opened);
  const auto contents = (*opened)->load();
  require_ok(contents);
  REQUIRE(contents->hubs.size() == 2);
  CHECK(contents->hubs[0].id == helen.id);
  CHECK(contents->hubs[1].id == made_anew.id);
  REQUIRE(contents->blocks.size() == 2);
  CHECK(contents->blocks[0].block.id == other);
  CHECK(contents->blocks[1].hub == made_anew.id);
}

}  // namespace
}  // namespace dske::store::test
