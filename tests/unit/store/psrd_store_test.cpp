// Leases and floors, and that consumed PSRD and shares leave the disk.
#include <algorithm>
#include <thread>

#include "store/database.h"
#include "store/schema.h"
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

Result<void> extend(PsrdStore& store, std::vector<PsrdLease> leases) {
  return answer_of<void>([&](auto done) { store.extend_leases(std::move(leases), std::move(done)); });
}

Result<void> raise(PsrdStore& store, std::vector<PsrdFloor> floors) {
  return answer_of<void>([&](auto done) { store.raise_floors(std::move(floors), std::move(done)); });
}

PsrdBlock clone(const PsrdBlock& block) {
  return {block.id, block.layout, block.data.clone(), block.lease_end, block.floor};
}

void ingest(KmeStore& store, const PsrdBlock& block) {
  static const HubRecord hub{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1",
                             random_id<ClientId>()};
  require_ok(answer_of<void>([&](auto done) { store.ingest_block(hub, clone(block), std::move(done)); }));
}

PsrdBlock only_block(KmeStore& store) {
  auto contents = store.load();
  require_ok(contents);
  REQUIRE(contents->blocks.size() == 1);
  return std::move(contents->blocks[0].block);
}

std::unique_ptr<KmeStore> reopen(std::unique_ptr<KmeStore> store, const std::filesystem::path& dir) {
  store.reset();
  auto opened = KmeStore::open(dir);
  require_ok(opened);
  return std::move(*opened);
}

ByteView bytes_of(const PsrdBlock& block, std::uint64_t begin, std::uint64_t end) {
  return block.data.view().subspan(begin, end - begin);
}

bool zeros(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool same(ByteView a, ByteView b) {
  return constant_time_equal(a, b);
}

}  // namespace

TEST_CASE("a lease comes back as it was extended, and what was consumed under it is wiped") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const PsrdBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  require_ok(
      extend(*store, {{block.id, Zone::pad, pad + 1000, 0, 0}, {block.id, Zone::authenticator, 64, 0, 0}}));
  require_ok(extend(*store, {{block.id, Zone::pad, pad + 2000, pad, pad + 700}}));
  store = reopen(std::move(store), dir.path());
  // What was leased and perhaps used before the restart is wiped at the start; nothing else is.
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.lease_end.pad == pad + 2000);
  CHECK(loaded.lease_end.authenticator == 64);
  CHECK(loaded.floor == block.floor);
  CHECK(zeros(bytes_of(loaded, 0, 64)));
  CHECK(same(bytes_of(loaded, 64, pad), bytes_of(block, 64, pad)));
  CHECK(zeros(bytes_of(loaded, pad, pad + 2000)));
  CHECK(
      same(bytes_of(loaded, pad + 2000, block.data.size()), bytes_of(block, pad + 2000, block.data.size())));
}

TEST_CASE("the unused rest of a lease can be given back, but never below what is wiped") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const PsrdBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  require_ok(extend(*store, {{block.id, Zone::pad, pad + 1000, pad, pad + 100}}));
  CHECK(kind_of(extend(*store, {{block.id, Zone::pad, pad + 99, 0, 0}})) == ErrorKind::invalid);
  CHECK(kind_of(extend(*store, {{block.id, Zone::pad, pad + 300, pad + 100, pad + 301}})) ==
        ErrorKind::invalid);
  require_ok(extend(*store, {{block.id, Zone::pad, pad + 300, pad + 100, pad + 300}}));
  store = reopen(std::move(store), dir.path());
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.lease_end.pad == pad + 300);
  CHECK(zeros(bytes_of(loaded, pad, pad + 300)));
  CHECK(same(bytes_of(loaded, pad + 300, block.data.size()), bytes_of(block, pad + 300, block.data.size())));
  // The start wiped up to the lease's end; nothing goes back below.
  CHECK(kind_of(extend(*store, {{block.id, Zone::pad, pad + 299, 0, 0}})) == ErrorKind::invalid);
}

TEST_CASE("leases are extended all or none, and only within their zone") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const PsrdBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  const std::uint64_t end = block.layout.end(Side::client, Zone::pad);
  const PsrdLease good{block.id, Zone::pad, pad + 64, pad, pad + 32};
  CHECK(kind_of(extend(*store, {good, {random_id<BlockId>(), Zone::pad, 64, 0, 0}})) == ErrorKind::not_found);
  CHECK(kind_of(extend(*store, {good, {block.id, Zone::authenticator, pad + 1, 0, 0}})) ==
        ErrorKind::invalid);
  CHECK(kind_of(extend(*store, {good, {block.id, Zone::pad, end + 1, 0, 0}})) == ErrorKind::invalid);
  CHECK(kind_of(extend(*store, {good, {block.id, Zone::pad, pad - 1, 0, 0}})) == ErrorKind::invalid);
  CHECK(kind_of(extend(*store, {good, {block.id, Zone::pad, pad + 64, pad + 2, pad + 1}})) ==
        ErrorKind::invalid);
  CHECK(kind_of(extend(*store, {{block.id, Zone::pad, UINT64_MAX, 0, 0}})) == ErrorKind::invalid);
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.lease_end == block.lease_end);
  CHECK(same(loaded.data.view(), block.data.view()));
  require_ok(extend(*store, {{block.id, Zone::pad, end, pad, end}}));
  CHECK(zeros(bytes_of(only_block(*store), pad, end)));
}

TEST_CASE("floors only grow, and what lies below is wiped") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const PsrdBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t floor = block.floor.authenticator;
  require_ok(
      raise(*store, {{block.id, Zone::authenticator, floor + 96}, {random_id<BlockId>(), Zone::pad, 5}}));
  require_ok(raise(*store, {{block.id, Zone::authenticator, floor + 32}}));
  CHECK(kind_of(raise(*store, {{block.id, Zone::pad, block.floor.pad - 1}})) == ErrorKind::invalid);
  CHECK(kind_of(raise(*store, {{block.id, Zone::pad, block.data.size() + 1}})) == ErrorKind::invalid);
  store = reopen(std::move(store), dir.path());
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.floor.authenticator == floor + 96);
  CHECK(loaded.floor.pad == block.floor.pad);
  CHECK(zeros(bytes_of(loaded, floor, floor + 96)));
  CHECK(
      same(bytes_of(loaded, floor + 96, block.data.size()), bytes_of(block, floor + 96, block.data.size())));
  CHECK(same(bytes_of(loaded, 0, floor), bytes_of(block, 0, floor)));
}

TEST_CASE("a hub allocates from the other half") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  const PsrdBlock block = random_block(Side::hub);
  require_ok(
      answer_of<void>([&](auto done) { store->add_block(client("carol"), clone(block), std::move(done)); }));
  CHECK(kind_of(extend(*store, {{block.id, Zone::pad, block.layout.end(Side::client, Zone::pad), 0, 0}})) ==
        ErrorKind::invalid);
  require_ok(extend(*store, {{block.id, Zone::pad, block.lease_end.pad + 10, 0, 0}}));
  require_ok(raise(*store, {{block.id, Zone::pad, block.floor.pad + 20}}));
  const auto contents = store->load();
  require_ok(contents);
  CHECK(contents->blocks.at(0).block.lease_end.pad == block.lease_end.pad + 10);
  CHECK(contents->blocks.at(0).block.floor.pad == block.floor.pad + 20);
}

TEST_CASE("a block of many pieces is wiped across their borders") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const PsrdBlock block = random_block(Side::client, PsrdLayout::of_halves(300000, 200000));
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  require_ok(extend(*store, {{block.id, Zone::pad, pad + 200000, pad, pad + 140000}}));
  store.reset();
  CHECK_FALSE(on_disk(dir.path(), bytes_of(block, pad, pad + 32)));
  CHECK_FALSE(on_disk(dir.path(), bytes_of(block, pad + 139968, pad + 140000)));
  CHECK(on_disk(dir.path(), bytes_of(block, pad + 140000, pad + 140032)));
  auto reopened = KmeStore::open(dir.path());
  require_ok(reopened);
  const PsrdBlock loaded = only_block(**reopened);
  CHECK(zeros(bytes_of(loaded, pad, pad + 200000)));
  CHECK(same(bytes_of(loaded, 0, pad), bytes_of(block, 0, pad)));
  CHECK(same(bytes_of(loaded, pad + 200000, block.data.size()),
             bytes_of(block, pad + 200000, block.data.size())));
}

TEST_CASE("consumed PSRD, dropped blocks and withdrawn shares are nowhere on disk after a quiet moment") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  const PsrdBlock used = random_block(Side::hub);
  const PsrdBlock dropped = random_block(Side::hub);
  for (const PsrdBlock* block : {&used, &dropped}) {
    require_ok(answer_of<void>(
        [&](auto done) { store->add_block(client("carol"), clone(*block), std::move(done)); }));
  }
  const auto share = share_of(context(client("carol"), 300), deadline(seconds(60)));
  const auto expired = share_of(context(client("carol")), deadline(seconds(-1)));
  for (const ShareRecord* each : {&share, &expired}) {
    require_ok(answer_of<void>([&](auto done) {
      store->add_share({each->context, each->share.clone(), each->secret_tag, each->expires},
                       {client("celia")}, std::move(done));
    }));
  }
  const std::uint64_t pad = used.lease_end.pad;
  const std::uint64_t floor = used.floor.pad;
  const std::vector<ByteView> going{
      bytes_of(used, pad, pad + 32),     bytes_of(used, pad + 968, pad + 1000),
      bytes_of(used, floor, floor + 32), bytes_of(used, floor + 4968, floor + 5000),
      bytes_of(dropped, 0, 32),          bytes_of(dropped, 16384, 16416),
      bytes_of(dropped, 32736, 32768),   share.share.view().first(32),
      share.share.view().last(32),       expired.share.view()};
  // More than once, since a checkpoint may move bytes from a file that is read next to one that was read
  // before.
  const auto found = [&](ByteView bytes) {
    for (int tries = 0; tries < 50; ++tries) {
      if (on_disk(dir.path(), bytes)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  };
  for (const ByteView secret : going) CHECK(found(secret));

  require_ok(extend(*store, {{used.id, Zone::pad, pad + 2000, pad, pad + 1000}}));
  require_ok(raise(*store, {{used.id, Zone::pad, floor + 5000}}));
  require_ok(answer_of<void>([&](auto done) {
    store->register_client({client("carol"), 1, {}, {}, {dropped.id}}, std::move(done));
  }));
  require_ok(answer_of<std::uint64_t>(
      [&](auto done) { store->withdraw_share(share.context.name(), std::move(done)); }));
  require_ok(answer_of<std::vector<WaitingAmount>>([&](auto done) { store->expire(std::move(done)); }));

  const auto anything_left = [&] {
    return std::any_of(going.begin(), going.end(),
                       [&](ByteView secret) { return on_disk(dir.path(), secret); });
  };
  for (int tries = 0; tries < 100 && anything_left(); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  CHECK_FALSE(anything_left());
  CHECK(found(bytes_of(used, pad + 1000, pad + 1032)));
  CHECK(found(bytes_of(used, floor + 5000, floor + 5032)));
}

TEST_CASE("keys delivered to everybody are nowhere on disk after the store is closed") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const auto bundle = held_of(context(client("carol"), 200), deadline(seconds(60)));
  require_ok(answer_of<void>([&](auto done) {
    store->hold_bundle({bundle.context, bundle.keys.clone(), bundle.expires, {}}, std::move(done));
  }));
  CHECK(on_disk(dir.path(), bundle.keys.view().first(32)));
  std::vector<std::uint16_t> all(200);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  require_ok(answer_of<void>([&](auto done) {
    store->record_delivery({bundle.context.name(), sae("celia"), all}, {sae("celia")}, std::move(done));
  }));
  store.reset();
  CHECK_FALSE(on_disk(dir.path(), bundle.keys.view().first(32)));
  CHECK_FALSE(on_disk(dir.path(), bundle.keys.view().last(32)));
}

}  // namespace dske::store::test
