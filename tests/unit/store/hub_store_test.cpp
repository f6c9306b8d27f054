#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

Result<void> add_share(HubStore& store, const ShareRecord& share, std::vector<ClientName> claimants) {
  return answer_of<void>([&](auto done) {
    store.add_share({share.context, share.share.clone(), share.secret_tag, share.expires},
                    std::move(claimants), std::move(done));
  });
}

Result<ShareRecord> load_share(HubStore& store, const BundleName& bundle, std::string_view claimant) {
  return answer_of<ShareRecord>(
      [&](auto done) { store.load_share(bundle, client(claimant), std::move(done)); });
}

Result<PendingShares> pending_after(HubStore& store, std::string_view claimant, std::uint64_t cursor,
                                    std::size_t most = 1000) {
  return answer_of<PendingShares>(
      [&](auto done) { store.pending(client(claimant), cursor, most, std::move(done)); });
}

Result<std::vector<BundleName>> pending(HubStore& store, std::string_view claimant, std::size_t most = 1000) {
  auto shares = pending_after(store, claimant, 0, most);
  if (!shares) return shares.error();
  return std::move(shares->bundles);
}

Result<std::vector<WaitingAmount>> confirm(HubStore& store, std::string_view claimant,
                                           std::vector<BundleName> bundles) {
  return answer_of<std::vector<WaitingAmount>>(
      [&](auto done) { store.confirm(client(claimant), std::move(bundles), std::move(done)); });
}

Result<std::vector<WaitingAmount>> expire(HubStore& store) {
  return answer_of<std::vector<WaitingAmount>>([&](auto done) { store.expire(std::move(done)); });
}

Result<ClientRecord> put_client(HubStore& store, std::string_view who, const ClientId& id,
                                std::vector<SaeId> sae_ids) {
  return answer_of<ClientRecord>(
      [&](auto done) { store.put_client(client(who), id, std::move(sae_ids), std::move(done)); });
}

Result<PsrdBlock> add_block(HubStore& store, std::string_view who, const NewBlock& block) {
  return answer_of<PsrdBlock>(
      [&](auto done) { store.add_block(client(who), written(store, block), std::move(done)); });
}

Result<void> register_client(HubStore& store, RegistrationRecord registration) {
  return answer_of<void>([&](auto done) { store.register_client(std::move(registration), std::move(done)); });
}

}  // namespace

TEST_CASE("a new hub's store holds the hub's id and nothing else") {
  const TemporaryDirectory dir;
  const auto hub_id = random_id<HubId>();
  require_ok(HubStore::create(dir.path(), node_key(), hub_id));
  auto store = open_hub(dir.path());
  require_ok(store);
  const auto contents = (*store)->load();
  require_ok(contents);
  CHECK(contents->hub_id == hub_id);
  CHECK(contents->clients.empty());
  CHECK(contents->blocks.empty());
  CHECK(contents->waiting.empty());
  CHECK(contents->dropped_after_set_back.empty());
}

TEST_CASE("a client is made once, keeps its id, and gets further SAEs") {
  const TemporaryDirectory dir;
  require_ok(HubStore::create(dir.path(), node_key(), random_id<HubId>()));
  const auto id = random_id<ClientId>();
  {
    auto store = open_hub(dir.path());
    require_ok(store);
    const auto made = put_client(**store, "carol", id, {sae("carol"), sae("carol/2")});
    require_ok(made);
    CHECK(made->id == id);
    const auto again = put_client(**store, "carol", random_id<ClientId>(), {sae("carol"), sae("third")});
    require_ok(again);
    CHECK(again->id == id);
    CHECK(again->sae_ids == std::vector{sae("carol"), sae("carol/2"), sae("third")});
  }
  auto store = open_hub(dir.path());
  require_ok(store);
  const auto contents = (*store)->load();
  require_ok(contents);
  REQUIRE(contents->clients.size() == 1);
  CHECK(contents->clients[0].id == id);
  CHECK(contents->clients[0].registration_number == 0);
  CHECK(contents->clients[0].sae_ids.size() == 3);
}

TEST_CASE("an SAE bound to one client is not bound to another, and the refused client is not made") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  const auto refused = put_client(*store, "mallory", random_id<ClientId>(), {sae("m"), sae("carol")});
  CHECK(kind_of(refused) == ErrorKind::conflict);
  CHECK(refused.error().message.find("carol") != std::string::npos);
  const auto contents = store->load();
  require_ok(contents);
  CHECK(contents->clients.size() == 2);
  require_ok(put_client(*store, "other", random_id<ClientId>(), {sae("m")}));
}

TEST_CASE("a share is given to those with a claim until each has confirmed") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  add_client(*store, "frank");
  const auto share = share_of(context(client("carol"), 2, true), deadline(seconds(60)));
  const BundleName bundle = share.context.name();
  require_ok(add_share(*store, share, {client("celia"), client("frank"), client("celia")}));
  CHECK(kind_of(add_share(*store, share, {client("celia")})) == ErrorKind::conflict);

  for (int i = 0; i < 2; ++i) {
    const auto loaded = load_share(*store, bundle, "celia");
    require_ok(loaded);
    CHECK(loaded->context == share.context);
    CHECK(constant_time_equal(loaded->share.view(), share.share.view()));
    CHECK(loaded->secret_tag == share.secret_tag);
    CHECK(loaded->expires.boot_id == share.expires.boot_id);
    CHECK(loaded->expires.boottime_nanos == share.expires.boottime_nanos);
    CHECK(loaded->expires.wall_seconds == share.expires.wall_seconds);
  }
  CHECK(kind_of(load_share(*store, bundle, "carol")) == ErrorKind::not_found);
  CHECK(kind_of(load_share(*store, {client("mallory"), bundle.id}, "celia")) == ErrorKind::not_found);

  const auto first = confirm(*store, "celia", {bundle, bundle});
  require_ok(first);
  CHECK(first->empty());
  CHECK(kind_of(load_share(*store, bundle, "celia")) == ErrorKind::not_found);
  require_ok(load_share(*store, bundle, "frank"));
  const auto others = confirm(*store, "mallory", {bundle});
  require_ok(others);
  CHECK(others->empty());

  const auto last = confirm(*store, "frank", {bundle});
  require_ok(last);
  REQUIRE(last->size() == 1);
  CHECK((*last)[0].initiator == client("carol"));
  CHECK((*last)[0].bundles == 1);
  CHECK((*last)[0].share_bytes == share.share.size());
  CHECK(kind_of(load_share(*store, bundle, "frank")) == ErrorKind::not_found);
}

TEST_CASE("bundles of one id from different initiators do not disturb each other") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  add_client(*store, "mallory");
  auto one = share_of(context(client("carol")), deadline(seconds(60)));
  auto other = share_of(context(client("mallory")), deadline(seconds(60)));
  other.context.id = one.context.id;
  require_ok(add_share(*store, other, {client("celia")}));
  require_ok(add_share(*store, one, {client("celia")}));
  const auto withdrawn = answer_of<std::uint64_t>(
      [&](auto done) { store->withdraw_share(other.context.name(), std::move(done)); });
  require_ok(withdrawn);
  CHECK(*withdrawn == other.share.size());
  const auto loaded = load_share(*store, one.context.name(), "celia");
  require_ok(loaded);
  CHECK(constant_time_equal(loaded->share.view(), one.share.view()));
  const auto again = answer_of<std::uint64_t>(
      [&](auto done) { store->withdraw_share(other.context.name(), std::move(done)); });
  require_ok(again);
  CHECK(*again == 0);
}

TEST_CASE("a share of another size than its context says, or without claimants, is refused") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  auto share = share_of(context(client("carol")), deadline(seconds(60)));
  CHECK(kind_of(add_share(*store, share, {})) == ErrorKind::invalid);
  share.share.resize(share.share.size() - 1);
  CHECK(kind_of(add_share(*store, share, {client("celia")})) == ErrorKind::invalid);
  share = share_of(context(client("carol")), deadline(seconds(60)));
  share.context.shares_required = 1;
  CHECK(kind_of(add_share(*store, share, {client("celia")})) == ErrorKind::invalid);
}

TEST_CASE("pending lists a client's bundles, the oldest first, up to a limit") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  add_client(*store, "frank");
  std::vector<BundleName> names;
  for (int i = 0; i < 20; ++i) {
    const auto share = share_of(context(client("carol")), deadline(seconds(60)));
    const bool celias = i % 2 == 0;
    require_ok(add_share(*store, share, {client(celias ? "celia" : "frank")}));
    if (celias) names.push_back(share.context.name());
  }
  const auto all = pending(*store, "celia");
  require_ok(all);
  CHECK(*all == names);
  const auto few = pending(*store, "celia", 3);
  require_ok(few);
  CHECK(*few == std::vector(names.begin(), names.begin() + 3));
  const auto none = pending(*store, "mallory");
  require_ok(none);
  CHECK(none->empty());
}

TEST_CASE("the pending list goes on at its cursor, also after what it ended with has gone") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  std::vector<BundleName> names;
  const auto add = [&] {
    const auto share = share_of(context(client("carol")), deadline(seconds(60)));
    require_ok(add_share(*store, share, {client("celia")}));
    names.push_back(share.context.name());
  };
  for (int i = 0; i < 3; ++i) add();
  auto page = pending_after(*store, "celia", 0, 2);
  require_ok(page);
  CHECK(page->bundles == std::vector(names.begin(), names.begin() + 2));
  CHECK(page->more);
  page = pending_after(*store, "celia", page->cursor, 2);
  require_ok(page);
  CHECK(page->bundles == std::vector(names.begin() + 2, names.end()));
  CHECK_FALSE(page->more);
  const std::uint64_t end = page->cursor;
  page = pending_after(*store, "celia", end);
  require_ok(page);
  CHECK(page->bundles.empty());
  CHECK(page->cursor == end);
  // The number of the last share must not be given again.
  require_ok(confirm(*store, "celia", names));
  add();
  page = pending_after(*store, "celia", end);
  require_ok(page);
  CHECK(page->bundles == std::vector{names.back()});
  CHECK(page->cursor > end);
}

TEST_CASE("shares end with their lifetime, counted in this boot or after another") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  add_client(*store, "dave");
  const auto add = [&](const DurableDeadline& expires, std::string_view initiator) {
    const auto share = share_of(context(client(initiator)), expires);
    require_ok(add_share(*store, share, {client("celia")}));
    return share.context.name();
  };
  add(deadline(seconds(-1)), "carol");
  add(deadline_of_other_boot(seconds(-2)), "carol");
  add(deadline_of_other_boot(seconds(-100000)), "dave");
  // A wall clock that was set forward does not end a lifetime of this boot, nor one set back prolong it.
  DurableDeadline by_boot_clock = deadline(seconds(60));
  by_boot_clock.wall_seconds -= 100000;
  DurableDeadline over_by_boot_clock = deadline(seconds(-1));
  over_by_boot_clock.wall_seconds += 100000;
  DurableDeadline boot_unknown = deadline_of_other_boot(seconds(-2));
  boot_unknown.boot_id.clear();
  add(over_by_boot_clock, "dave");
  add(boot_unknown, "dave");
  const std::vector left{add(deadline(seconds(60)), "carol"),
                         add(deadline_of_other_boot(seconds(60)), "carol"), add(by_boot_clock, "carol")};

  const auto gone = expire(*store);
  require_ok(gone);
  REQUIRE(gone->size() == 2);
  CHECK((*gone)[0].initiator == client("carol"));
  CHECK((*gone)[0].bundles == 2);
  CHECK((*gone)[0].share_bytes == 2 * 64);
  CHECK((*gone)[1].initiator == client("dave"));
  CHECK((*gone)[1].bundles == 3);
  const auto listed = pending(*store, "celia");
  require_ok(listed);
  CHECK(*listed == left);
  const auto nothing = expire(*store);
  require_ok(nothing);
  CHECK(nothing->empty());
}

TEST_CASE("what waits for responders survives a restart") {
  const TemporaryDirectory dir;
  const auto share = share_of(context(client("carol"), 3), deadline(seconds(60)));
  {
    const auto store = new_hub(dir.path());
    require_ok(add_share(*store, share, {client("celia")}));
    require_ok(
        add_share(*store, share_of(context(client("carol")), deadline(seconds(60))), {client("celia")}));
  }
  auto store = open_hub(dir.path());
  require_ok(store);
  const auto contents = (*store)->load();
  require_ok(contents);
  REQUIRE(contents->waiting.size() == 1);
  CHECK(contents->waiting[0].initiator == client("carol"));
  CHECK(contents->waiting[0].bundles == 2);
  CHECK(contents->waiting[0].share_bytes == share.share.size() + 64);
  const auto loaded = load_share(**store, share.context.name(), "celia");
  require_ok(loaded);
  CHECK(constant_time_equal(loaded->share.view(), share.share.view()));
}

TEST_CASE("a block belongs to a client that exists, and comes once") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  const NewBlock block = random_block(Side::hub);
  CHECK(kind_of(add_block(*store, "nobody", block)) == ErrorKind::not_found);
  require_ok(add_block(*store, "carol", block));
  CHECK(kind_of(add_block(*store, "carol", block)) == ErrorKind::conflict);
  CHECK(kind_of(add_block(*store, "celia", block)) == ErrorKind::conflict);
  const auto contents = store->load();
  require_ok(contents);
  REQUIRE(contents->blocks.size() == 1);
  CHECK(contents->blocks[0].client == client("carol"));
  CHECK_FALSE(contents->blocks[0].listed);
  CHECK(contents->blocks[0].block.layout == block.layout);
  CHECK(contents->blocks[0].block.lease_end == block.lease_end);
  CHECK(contents->blocks[0].block.floor == block.floor);
  CHECK(same_bytes(contents->blocks[0].block, block, 0, block.layout.total()));
}

TEST_CASE("a registration is accepted if its number grows, and changes all or nothing") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  const NewBlock kept = random_block(Side::hub);
  const NewBlock spent = random_block(Side::hub);
  const NewBlock celias = random_block(Side::hub);
  require_ok(add_block(*store, "carol", kept));
  require_ok(add_block(*store, "carol", spent));
  require_ok(add_block(*store, "celia", celias));

  // Another's block, or one that is not there, spoils all of it.
  CHECK(kind_of(register_client(*store, {client("carol"), 5, {}, {kept.id}, {celias.id}})) ==
        ErrorKind::forbidden);
  CHECK(kind_of(register_client(
            *store, {client("carol"), 5, {{celias.id, Zone::pad, celias.floor.pad + 1}}, {}, {}})) ==
        ErrorKind::forbidden);
  CHECK(kind_of(register_client(*store, {client("carol"), 5, {}, {kept.id, random_id<BlockId>()}, {}})) ==
        ErrorKind::not_found);
  CHECK(kind_of(register_client(*store, {client("nobody"), 5, {}, {}, {}})) == ErrorKind::not_found);
  {
    const auto contents = store->load();
    require_ok(contents);
    CHECK(contents->clients[0].registration_number == 0);
    CHECK_FALSE(contents->blocks[0].listed);
  }

  require_ok(register_client(*store, {client("carol"),
                                      5,
                                      {{kept.id, Zone::authenticator, kept.floor.authenticator + 64}},
                                      {kept.id},
                                      {spent.id}}));
  CHECK(kind_of(register_client(*store, {client("carol"), 5, {}, {}, {}})) == ErrorKind::conflict);
  CHECK(kind_of(register_client(*store, {client("carol"), 4, {}, {}, {}})) == ErrorKind::conflict);
  require_ok(register_client(*store, {client("celia"), 1, {}, {}, {}}));

  const auto contents = store->load();
  require_ok(contents);
  REQUIRE(contents->clients.size() == 2);
  CHECK(contents->clients[0].registration_number == 5);
  REQUIRE(contents->blocks.size() == 2);
  CHECK(contents->blocks[0].block.id == kept.id);
  CHECK(contents->blocks[0].listed);
  CHECK(contents->blocks[0].block.floor.authenticator == kept.floor.authenticator + 64);
  CHECK(contents->blocks[0].block.floor.pad == kept.floor.pad);
}

}  // namespace dske::store::test
