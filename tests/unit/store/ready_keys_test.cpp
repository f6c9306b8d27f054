// Keys that a KME has ready: leased once, never in two places.
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

ReadyBundle ready_of(std::uint32_t key_count, std::uint32_t first = 0,
                     const DurableDeadline& expires = deadline(seconds(60))) {
  ReadyBundle bundle{
      {random_bundle(), sae("carol"), sae("celia"), client("celia"), 3, 32, key_count, first, expires},
      SecretBytes(std::size_t{key_count - first} * 32)};
  SystemRandomness().fill(bundle.keys.span());
  return bundle;
}

SecretBytes keys_of(const ReadyBundle& bundle, std::uint32_t begin, std::uint32_t end) {
  const std::size_t first = bundle.entry.first;
  return SecretBytes::copy_of(bundle.keys.view().subspan((begin - first) * 32, (end - begin) * 32));
}

Result<void> add(KmeStore& store, const ReadyBundle& bundle) {
  return answer_of<void>([&](auto done) {
    store.add_ready({bundle.entry, bundle.keys.clone()}, std::move(done));
  });
}

Result<std::vector<ReadyLeased>> lease(KmeStore& store, const std::vector<ReadyLease>& leases) {
  return answer_of<std::vector<ReadyLeased>>([&](auto done) { store.lease_ready(leases, std::move(done)); });
}

// The only one of them.
ReadyLeased lease(KmeStore& store, const ReadyBundle& bundle, std::uint32_t end) {
  auto leased = lease(store, {{bundle.entry.id, end}});
  require_ok(leased);
  REQUIRE(leased->size() == 1);
  return std::move(leased->front());
}

Result<void> give_back(KmeStore& store, const ReadyBundle& bundle, std::uint32_t begin, std::uint32_t end) {
  std::vector<ReadyReturn> returns;
  returns.push_back({bundle.entry.id, begin, keys_of(bundle, begin, end)});
  return answer_of<void>([&](auto done) { store.return_ready(std::move(returns), std::move(done)); });
}

KmeStore::Contents contents_of(KmeStore& store) {
  auto contents = store.load();
  require_ok(contents);
  return std::move(*contents);
}

std::unique_ptr<KmeStore> reopened(const TemporaryDirectory& dir) {
  auto store = open_kme(dir.path());
  require_ok(store);
  return std::move(*store);
}

bool same(const SecretBytes& a, const SecretBytes& b) {
  return constant_time_equal(a.view(), b.view());
}

}  // namespace

TEST_CASE("ready keys are leased in their order, each once") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  const ReadyBundle bundle = ready_of(10);
  require_ok(add(*store, bundle));
  const ReadyLeased first = lease(*store, bundle, 4);
  CHECK(first.first == 0);
  CHECK(same(first.keys, keys_of(bundle, 0, 4)));
  const ReadyLeased second = lease(*store, bundle, 10);
  CHECK(second.first == 4);
  CHECK(same(second.keys, keys_of(bundle, 4, 10)));
  CHECK(lease(*store, bundle, 10).keys.empty());
  CHECK(lease(*store, bundle, 3).keys.empty());
}

TEST_CASE("a restart finds what is not leased, and nothing of what is") {
  const TemporaryDirectory dir;
  const ReadyBundle partly = ready_of(10, 2);
  const ReadyBundle wholly = ready_of(3);
  {
    const auto store = new_kme(dir.path());
    require_ok(add(*store, partly));
    require_ok(add(*store, wholly));
    CHECK(lease(*store, partly, 5).first == 2);
    CHECK(lease(*store, wholly, 3).keys.size() == 96);
  }
  CHECK_FALSE(on_disk(dir.path(), keys_of(partly, 2, 3).view()));
  const auto store = reopened(dir);
  const auto contents = contents_of(*store);
  REQUIRE(contents.ready.size() == 1);
  const ReadyEntry& entry = contents.ready.front();
  CHECK(entry.id == partly.entry.id);
  CHECK(entry.master == sae("carol"));
  CHECK(entry.slave == sae("celia"));
  CHECK(entry.slave_client == client("celia"));
  CHECK(entry.shares_required == 3);
  CHECK(entry.key_size_bytes == 32);
  CHECK(entry.key_count == 10);
  CHECK(entry.first == 5);
  const ReadyLeased rest = lease(*store, partly, 10);
  CHECK(rest.first == 5);
  CHECK(same(rest.keys, keys_of(partly, 5, 10)));
}

TEST_CASE("what is given back can be leased again") {
  const TemporaryDirectory dir;
  const ReadyBundle bundle = ready_of(10);
  const ReadyBundle used_up = ready_of(4);
  {
    const auto store = new_kme(dir.path());
    require_ok(add(*store, bundle));
    require_ok(add(*store, used_up));
    static_cast<void>(lease(*store, bundle, 6));
    static_cast<void>(lease(*store, used_up, 4));
    require_ok(give_back(*store, bundle, 4, 6));
    require_ok(give_back(*store, used_up, 3, 4));
  }
  const auto store = reopened(dir);
  const auto contents = contents_of(*store);
  REQUIRE(contents.ready.size() == 2);
  CHECK(contents.ready[0].first == 4);
  CHECK(contents.ready[1].first == 3);
  const ReadyLeased leased = lease(*store, bundle, 10);
  CHECK(leased.first == 4);
  CHECK(same(leased.keys, keys_of(bundle, 4, 10)));
}

TEST_CASE("keys that do not join the bundle's are not taken back, those of a dropped bundle are ignored") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  const ReadyBundle bundle = ready_of(10);
  require_ok(add(*store, bundle));
  static_cast<void>(lease(*store, bundle, 6));
  CHECK(kind_of(give_back(*store, bundle, 3, 5)) == ErrorKind::invalid);
  CHECK(kind_of(give_back(*store, bundle, 6, 8)) == ErrorKind::invalid);
  require_ok(answer_of<void>([&](auto done) { store->drop_ready({bundle.entry.id}, std::move(done)); }));
  require_ok(give_back(*store, bundle, 4, 6));
  CHECK(contents_of(*store).ready.empty());
  CHECK(lease(*store, bundle, 8).keys.empty());
}

TEST_CASE("ready keys are refused twice, with a wrong size, and when there are not as many") {
  const TemporaryDirectory dir;
  const auto store = new_kme(dir.path());
  const ReadyBundle bundle = ready_of(4);
  require_ok(add(*store, bundle));
  CHECK(kind_of(add(*store, bundle)) == ErrorKind::conflict);
  ReadyBundle wrong = ready_of(4);
  wrong.keys.resize(96);
  CHECK(kind_of(add(*store, wrong)) == ErrorKind::invalid);
  CHECK(kind_of(lease(*store, {{bundle.entry.id, 5}})) == ErrorKind::invalid);
  CHECK(lease(*store, bundle, 4).keys.size() == 128);
}

TEST_CASE("ready keys that outlived their lifetime are gone, at once or at the next start") {
  const TemporaryDirectory dir;
  const ReadyBundle kept = ready_of(1);
  const ReadyBundle over = ready_of(1, 0, deadline(seconds(-1)));
  {
    const auto store = new_kme(dir.path());
    require_ok(add(*store, kept));
    require_ok(add(*store, over));
    require_ok(answer_of<std::vector<BundleName>>([&](auto done) { store->expire(std::move(done)); }));
    CHECK(lease(*store, over, 1).keys.empty());
    require_ok(add(*store, ready_of(1, 0, deadline_of_other_boot(seconds(-1)))));
  }
  const auto store = reopened(dir);
  const auto contents = contents_of(*store);
  REQUIRE(contents.ready.size() == 1);
  CHECK(contents.ready[0].id == kept.entry.id);
}

TEST_CASE("a store that was set back has no ready keys: they may have been given out since") {
  const TemporaryDirectory dir;
  const ReadyBundle bundle = ready_of(4);
  {
    const auto store = new_kme(dir.path());
    require_ok(add(*store, bundle));
  }
  std::filesystem::copy(dir.path() / "store.db", dir.path() / "saved");
  {
    const auto store = reopened(dir);
    CHECK(contents_of(*store).ready.size() == 1);
    static_cast<void>(lease(*store, bundle, 1));
  }
  std::filesystem::rename(dir.path() / "saved", dir.path() / "store.db");
  const auto store = reopened(dir);
  CHECK(contents_of(*store).ready.empty());
  CHECK(lease(*store, bundle, 4).keys.empty());
}

TEST_CASE("damaged ready keys are dropped, and the others can be leased") {
  const TemporaryDirectory dir;
  const ReadyBundle damaged = ready_of(4);
  const ReadyBundle good = ready_of(4);
  {
    const auto store = new_kme(dir.path());
    require_ok(add(*store, damaged));
    require_ok(add(*store, good));
  }
  change(dir.path(), "UPDATE ready_bundle SET sealed_keys = zeroblob(168) WHERE number = 1");
  const auto store = reopened(dir);
  const auto leased = lease(*store, {{damaged.entry.id, 2}, {good.entry.id, 2}});
  require_ok(leased);
  CHECK(leased->at(0).keys.empty());
  CHECK(same(leased->at(1).keys, keys_of(good, 0, 2)));
  CHECK(contents_of(*store).ready.size() == 1);
}

}  // namespace dske::store::test
