#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

Result<ClientRecord> change_saes(HubStore& store, std::string_view who, std::vector<SaeId> bind,
                                 std::vector<SaeId> unbind) {
  return answer_of<ClientRecord>([&](auto done) {
    store.change_saes(client(who), std::move(bind), std::move(unbind), std::move(done));
  });
}

Result<ClientRecord> set_enabled(HubStore& store, std::string_view who, bool enabled) {
  return answer_of<ClientRecord>(
      [&](auto done) { store.set_client_enabled(client(who), enabled, std::move(done)); });
}

Result<std::vector<WaitingAmount>> remove(HubStore& store, std::string_view who) {
  return answer_of<std::vector<WaitingAmount>>(
      [&](auto done) { store.remove_client(client(who), std::move(done)); });
}

Result<std::vector<RevokedBlock>> revoke(HubStore& store, std::vector<BlockId> blocks) {
  return answer_of<std::vector<RevokedBlock>>(
      [&](auto done) { store.revoke_blocks(std::move(blocks), std::move(done)); });
}

Result<PsrdBlock> add_block(HubStore& store, std::string_view who, const NewBlock& block) {
  return answer_of<PsrdBlock>(
      [&](auto done) { store.add_block(client(who), written(store, block), std::move(done)); });
}

Result<void> add_share(HubStore& store, const BundleContext& context, std::vector<ClientName> claimants) {
  return answer_of<void>([&](auto done) {
    store.add_share(share_of(context, deadline(seconds(60))), std::move(claimants), std::move(done));
  });
}

Result<ShareRecord> load_share(HubStore& store, const BundleContext& context, std::string_view claimant) {
  return answer_of<ShareRecord>(
      [&](auto done) { store.load_share(context.name(), client(claimant), std::move(done)); });
}

// What the store holds after it was opened again.
HubStore::Contents reopened(std::unique_ptr<HubStore>& store, const std::filesystem::path& dir) {
  store.reset();
  auto opened = open_hub(dir);
  require_ok(opened);
  store = std::move(*opened);
  auto contents = store->load();
  require_ok(contents);
  return std::move(*contents);
}

}  // namespace

TEST_CASE("SAE IDs are bound and unbound together or not at all") {
  const TemporaryDirectory dir;
  auto store = new_hub(dir.path());
  const auto changed = change_saes(*store, "carol", {sae("second"), sae("third")}, {sae("carol")});
  require_ok(changed);
  CHECK(changed->sae_ids == std::vector{sae("second"), sae("third")});

  CHECK(kind_of(change_saes(*store, "nobody", {sae("x")}, {})) == ErrorKind::not_found);
  CHECK(kind_of(change_saes(*store, "carol", {sae("celia")}, {})) == ErrorKind::conflict);
  CHECK(kind_of(change_saes(*store, "carol", {sae("fourth")}, {sae("celia")})) == ErrorKind::not_found);
  CHECK(kind_of(change_saes(*store, "carol", {}, {sae("second"), sae("unknown")})) == ErrorKind::not_found);
  const auto contents = reopened(store, dir.path());
  CHECK(contents.clients[0].sae_ids == std::vector{sae("second"), sae("third")});
  require_ok(change_saes(*store, "celia", {sae("carol")}, {}));
}

TEST_CASE("a client stays disabled until it is enabled") {
  const TemporaryDirectory dir;
  auto store = new_hub(dir.path());
  CHECK(kind_of(set_enabled(*store, "nobody", false)) == ErrorKind::not_found);
  const auto disabled = set_enabled(*store, "celia", false);
  require_ok(disabled);
  CHECK_FALSE(disabled->enabled);
  auto contents = reopened(store, dir.path());
  CHECK(contents.clients[0].enabled);
  CHECK_FALSE(contents.clients[1].enabled);
  require_ok(set_enabled(*store, "celia", true));
  CHECK(reopened(store, dir.path()).clients[1].enabled);
}

TEST_CASE("revoked blocks are gone from the store and remembered, all of them or none") {
  const TemporaryDirectory dir;
  auto store = new_hub(dir.path());
  const NewBlock one = random_block(Side::hub);
  const NewBlock two = random_block(Side::hub);
  const NewBlock other = random_block(Side::hub);
  require_ok(add_block(*store, "carol", one));
  require_ok(add_block(*store, "carol", two));
  require_ok(add_block(*store, "celia", other));
  const auto unknown = revoke(*store, {one.id, random_id<BlockId>()});
  CHECK(kind_of(unknown) == ErrorKind::not_found);
  CHECK(reopened(store, dir.path()).blocks.size() == 3);

  const auto revoked = revoke(*store, {one.id, other.id});
  require_ok(revoked);
  REQUIRE(revoked->size() == 2);
  CHECK((*revoked)[0].id == one.id);
  CHECK((*revoked)[0].client == client("carol"));
  CHECK((*revoked)[1].client == client("celia"));
  require_ok(revoke(*store, {one.id}));  // once more changes nothing

  auto contents = reopened(store, dir.path());
  REQUIRE(contents.blocks.size() == 1);
  CHECK(contents.blocks[0].block.id == two.id);
  CHECK(contents.revoked_blocks.size() == 2);
  CHECK(kind_of(add_block(*store, "carol", one)) == ErrorKind::conflict);

  const auto all = answer_of<std::vector<RevokedBlock>>(
      [&](auto done) { store->revoke_all_blocks(client("carol"), std::move(done)); });
  require_ok(all);
  REQUIRE(all->size() == 1);
  CHECK((*all)[0].id == two.id);
  CHECK(kind_of(answer_of<std::vector<RevokedBlock>>([&](auto done) {
          store->revoke_all_blocks(client("nobody"), std::move(done));
        })) == ErrorKind::not_found);
  contents = reopened(store, dir.path());
  CHECK(contents.blocks.empty());
  CHECK(contents.revoked_blocks.size() == 3);
}

TEST_CASE("of a removed client nothing is left but that its blocks were known") {
  const TemporaryDirectory dir;
  auto store = new_hub(dir.path());
  add_client(*store, "frank");
  const NewBlock block = random_block(Side::hub);
  const NewBlock revoked = random_block(Side::hub);
  const NewBlock others = random_block(Side::hub);
  require_ok(add_block(*store, "celia", block));
  require_ok(add_block(*store, "celia", revoked));
  require_ok(add_block(*store, "carol", others));
  require_ok(revoke(*store, {revoked.id}));
  const BundleContext posted = context(client("celia"));
  const BundleContext for_celia = context(client("carol"));
  const BundleContext for_both = context(client("carol"), 1, true);
  require_ok(add_share(*store, posted, {client("carol")}));
  require_ok(add_share(*store, for_celia, {client("celia")}));
  require_ok(add_share(*store, for_both, {client("celia"), client("frank")}));

  CHECK(kind_of(remove(*store, "nobody")) == ErrorKind::not_found);
  const auto gone = remove(*store, "celia");
  require_ok(gone);
  std::uint64_t of_carol = 0;
  for (const WaitingAmount& amount : *gone) {
    CHECK(amount.bundles == 1);
    CHECK(amount.share_bytes == for_celia.share_bytes());
    of_carol += amount.initiator == client("carol") ? 1 : 0;
  }
  CHECK(gone->size() == 2);
  CHECK(of_carol == 1);

  CHECK(kind_of(load_share(*store, posted, "carol")) == ErrorKind::not_found);
  CHECK(kind_of(load_share(*store, for_celia, "celia")) == ErrorKind::not_found);
  CHECK(kind_of(load_share(*store, for_both, "celia")) == ErrorKind::not_found);
  require_ok(load_share(*store, for_both, "frank"));

  const auto contents = reopened(store, dir.path());
  CHECK(contents.clients.size() == 2);
  REQUIRE(contents.blocks.size() == 1);
  CHECK(contents.blocks[0].block.id == others.id);
  CHECK(contents.revoked_blocks.empty());
  CHECK(contents.waiting.size() == 1);

  // Its name and SAE are free, under another id; its blocks are not.
  const auto id = random_id<ClientId>();
  const auto again = answer_of<ClientRecord>(
      [&](auto done) { store->put_client(client("celia"), id, {sae("celia")}, std::move(done)); });
  require_ok(again);
  CHECK(again->id == id);
  CHECK(kind_of(add_block(*store, "celia", block)) == ErrorKind::conflict);
  CHECK(kind_of(add_block(*store, "celia", revoked)) == ErrorKind::conflict);
}

TEST_CASE("a share is not kept for clients that are gone, nor from one") {
  const TemporaryDirectory dir;
  auto store = new_hub(dir.path());
  add_client(*store, "frank");
  require_ok(remove(*store, "celia"));
  const BundleContext for_celia = context(client("carol"));
  CHECK(kind_of(add_share(*store, for_celia, {client("celia")})) == ErrorKind::not_found);
  CHECK(kind_of(add_share(*store, context(client("celia")), {client("carol")})) == ErrorKind::forbidden);
  const BundleContext for_both = context(client("carol"), 1, true);
  require_ok(add_share(*store, for_both, {client("celia"), client("frank")}));
  const auto contents = reopened(store, dir.path());
  REQUIRE(contents.waiting.size() == 1);
  CHECK(contents.waiting[0].bundles == 1);
  require_ok(load_share(*store, for_both, "frank"));
}

}  // namespace dske::store::test
