// A store that was set back to an earlier state does not use PSRD again.
#include <fstream>

#include "base/file.h"
#include "store/set_back_guard.h"
#include "store/set_back_marker.h"
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

const HubRecord& hank() {
  static const HubRecord hub{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1",
                             random_id<ClientId>()};
  return hub;
}

Result<PsrdBlock> try_to_ingest(KmeStore& store, const NewBlock& block) {
  return answer_of<PsrdBlock>(
      [&](auto done) { store.ingest_block(hank(), written(store, block), std::move(done)); });
}

NewBlock ingest(KmeStore& store) {
  NewBlock block = random_block(Side::client);
  require_ok(try_to_ingest(store, block));
  return block;
}

void lease(KmeStore& store, const NewBlock& block, std::uint64_t bytes) {
  require_ok(answer_of<std::vector<SecretBytes>>([&](auto done) {
    const std::uint64_t begin = block.lease_end.pad;
    store.extend_leases({{block.id, Zone::pad, begin, begin + bytes, begin}}, std::move(done));
  }));
}

std::unique_ptr<KmeStore> open(const std::filesystem::path& dir) {
  auto store = open_kme(dir);
  require_ok(store);
  require_ok((*store)->load());
  return std::move(*store);
}

KmeStore::Contents contents_of(KmeStore& store) {
  auto contents = store.load();
  require_ok(contents);
  return std::move(*contents);
}

std::vector<BlockId> ids(const KmeStore::Contents& contents) {
  std::vector<BlockId> found;
  for (const HubBlock& each : contents.blocks) found.push_back(each.block.id);
  return found;
}

/// The database of a closed store, to be put back later.
void save(const std::filesystem::path& dir) {
  std::filesystem::copy(dir / "store.db", dir / "saved");
}
void restore(const std::filesystem::path& dir) {
  std::filesystem::rename(dir / "saved", dir / "store.db");
}

}  // namespace

TEST_CASE("a store set back drops the blocks opened before or since, and keeps those never opened") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock opened_before = ingest(*store);
  const NewBlock opened_since = ingest(*store);
  const NewBlock never_opened = ingest(*store);
  lease(*store, opened_before, 100);
  store.reset();
  save(dir.path());

  store = open(dir.path());
  lease(*store, opened_since, 100);
  const NewBlock came_since = ingest(*store);
  lease(*store, came_since, 100);
  store.reset();
  restore(dir.path());

  store = open(dir.path());
  const auto contents = contents_of(*store);
  CHECK(contents.dropped_after_set_back == std::vector{opened_before.id, opened_since.id});
  CHECK(ids(contents) == std::vector{never_opened.id});
  // What is gone is known for ever, even a block that this database never saw.
  for (const NewBlock* block : {&opened_before, &opened_since, &came_since}) {
    CHECK(kind_of(try_to_ingest(*store, *block)) == ErrorKind::conflict);
  }
  CHECK_FALSE(on_disk(dir.path(), opened_since.data.view().last(32)));

  // From there on it is a store like any other.
  lease(*store, never_opened, 100);
  store.reset();
  store = open(dir.path());
  CHECK(contents_of(*store).dropped_after_set_back.empty());
  CHECK(ids(contents_of(*store)) == std::vector{never_opened.id});
}

TEST_CASE("a store set back withdraws no bundle: it may have been acknowledged since") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = ingest(*store);
  lease(*store, block, 512);
  const PostedBundle posted{random_bundle(), {hank().id}, deadline(std::chrono::seconds(3600))};
  require_ok(answer_of<void>([&](auto done) { store->begin_bundle(posted, std::move(done)); }));
  CHECK(contents_of(*store).unacknowledged.size() == 1);
  store.reset();
  save(dir.path());
  store = open(dir.path());
  const std::uint64_t end = block.lease_end.pad + 512;
  require_ok(answer_of<std::vector<SecretBytes>>([&](auto done) {
    store->extend_leases({{block.id, Zone::pad, end, end + 512, end}}, std::move(done));
  }));
  store.reset();
  restore(dir.path());
  store = open(dir.path());
  CHECK(contents_of(*store).dropped_after_set_back.size() == 1);
  CHECK(contents_of(*store).unacknowledged.empty());
}

TEST_CASE("a store set back to a state with the same leases has lost no lease and drops nothing") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = ingest(*store);
  lease(*store, block, 100);
  store.reset();
  save(dir.path());
  store = open(dir.path());
  require_ok(answer_of<std::uint64_t>(
      [&](auto done) { store->next_registration_number(hank().id, std::move(done)); }));
  store.reset();
  restore(dir.path());
  store = open(dir.path());
  CHECK(contents_of(*store).dropped_after_set_back.empty());
  CHECK(ids(contents_of(*store)) == std::vector{block.id});
}

TEST_CASE("a hub's store set back drops opened blocks too") {
  const TemporaryDirectory dir;
  auto store = new_hub(dir.path());
  const NewBlock block = random_block(Side::hub);
  const auto id = block.id;
  const auto begin = block.lease_end.pad;
  require_ok(answer_of<PsrdBlock>(
      [&](auto done) { store->add_block(client("carol"), written(*store, block), std::move(done)); }));
  store.reset();
  save(dir.path());
  auto opened = open_hub(dir.path());
  require_ok(opened);
  require_ok((*opened)->load());
  require_ok(answer_of<std::vector<SecretBytes>>([&](auto done) {
    (*opened)->extend_leases({{id, Zone::pad, begin, begin + 512, begin}}, std::move(done));
  }));
  opened->reset();
  restore(dir.path());
  opened = open_hub(dir.path());
  require_ok(opened);
  const auto contents = (*opened)->load();
  require_ok(contents);
  CHECK(contents->dropped_after_set_back == std::vector{id});
  CHECK(contents->blocks.empty());
  CHECK(contents->clients.size() == 2);
}

TEST_CASE("a store that was copied with its marker may be of any time: every block counts as used") {
  const TemporaryDirectory dir;
  const auto state = dir.path() / "state";
  std::filesystem::create_directory(state);
  auto store = new_kme(state);
  const NewBlock opened = ingest(*store);
  const NewBlock never_opened = ingest(*store);
  lease(*store, opened, 100);
  store.reset();
  const auto marker = SetBackMarker::read(marker_path(state));
  require_ok(marker);
  REQUIRE(marker->has_value());
  REQUIRE_FALSE((**marker).copied);

  SUBCASE("restored from a backup") {
    std::filesystem::copy(state, dir.path() / "backup", std::filesystem::copy_options::recursive);
    std::filesystem::remove_all(state);
    std::filesystem::copy(dir.path() / "backup", state, std::filesystem::copy_options::recursive);
  }
  SUBCASE("restored into the files that are there") {
    std::filesystem::copy(state, dir.path() / "backup", std::filesystem::copy_options::recursive);
    store = open(state);
    lease(*store, opened, 200);
    store.reset();
    for (const auto& file : std::filesystem::recursive_directory_iterator(dir.path() / "backup")) {
      if (!file.is_regular_file()) continue;
      std::filesystem::copy_file(file.path(),
                                 state / std::filesystem::relative(file.path(), dir.path() / "backup"),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  store = open(state);
  CHECK(contents_of(*store).dropped_after_set_back == std::vector{opened.id, never_opened.id});
  CHECK(ids(contents_of(*store)).empty());
  CHECK(kind_of(try_to_ingest(*store, opened)) == ErrorKind::conflict);
  // Only once: from there on it is a store like any other.
  const NewBlock fresh = ingest(*store);
  lease(*store, fresh, 100);
  store.reset();
  store = open(state);
  CHECK(contents_of(*store).dropped_after_set_back.empty());
  CHECK(ids(contents_of(*store)) == std::vector{fresh.id});
}

TEST_CASE("a store from which nothing was taken yet may be copied to where it will work") {
  const TemporaryDirectory dir;
  const auto prepared = dir.path() / "prepared";
  std::filesystem::create_directory(prepared);
  auto store = new_kme(prepared);
  const NewBlock block = ingest(*store);
  store.reset();
  std::filesystem::copy(prepared, dir.path() / "state", std::filesystem::copy_options::recursive);
  store = open(dir.path() / "state");
  CHECK(contents_of(*store).dropped_after_set_back.empty());
  lease(*store, block, 100);
  store.reset();
  store = open(dir.path() / "state");
  CHECK(contents_of(*store).dropped_after_set_back.empty());
}

TEST_CASE("a store that was renamed is no copy") {
  const TemporaryDirectory dir;
  std::filesystem::create_directory(dir.path() / "state");
  auto store = new_kme(dir.path() / "state");
  const NewBlock block = ingest(*store);
  lease(*store, block, 100);
  store.reset();
  std::filesystem::rename(dir.path() / "state", dir.path() / "elsewhere");
  store = open(dir.path() / "elsewhere");
  CHECK(contents_of(*store).dropped_after_set_back.empty());
  CHECK(ids(contents_of(*store)) == std::vector{block.id});
}

TEST_CASE("without a sound marker every block counts as used") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock opened = ingest(*store);
  const NewBlock unopened = ingest(*store);
  lease(*store, opened, 100);
  store.reset();
  const auto marker = marker_path(dir.path());

  SUBCASE("missing") {
    std::filesystem::remove(marker);
  }
  SUBCASE("cut off") {
    std::filesystem::resize_file(marker, std::filesystem::file_size(marker) - 1);
  }
  SUBCASE("empty") {
    std::filesystem::resize_file(marker, 0);
  }
  SUBCASE("changed") {
    std::fstream file(marker, std::ios::in | std::ios::out);
    file.seekp(40);
    file.put('7');
  }
  store = open(dir.path());
  CHECK(contents_of(*store).dropped_after_set_back == std::vector{opened.id, unopened.id});
  const NewBlock next = ingest(*store);
  lease(*store, next, 100);
  store.reset();
  // The marker is whole again.
  store = open(dir.path());
  CHECK(contents_of(*store).dropped_after_set_back.empty());
  CHECK(ids(contents_of(*store)) == std::vector{next.id});
}

TEST_CASE("a marker behind the database, as a crash between the two leaves it, drops nothing") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = ingest(*store);
  lease(*store, block, 100);
  const auto marker = marker_path(dir.path());
  std::filesystem::create_hard_link(marker, dir.path() / "old");
  const NewBlock other = ingest(*store);
  lease(*store, other, 100);
  store.reset();
  std::filesystem::rename(dir.path() / "old", marker);
  store = open(dir.path());
  CHECK(contents_of(*store).dropped_after_set_back.empty());
  // The next lease brings the marker up to date, with the block that it missed.
  lease(*store, block, 200);
  const auto read = SetBackMarker::read(marker);
  require_ok(read);
  REQUIRE(read->has_value());
  REQUIRE((*read)->opened.size() == 2);
  CHECK((*read)->opened[0].block == block.id);
  CHECK((*read)->opened[1].block == other.id);
  CHECK((*read)->generation == 3);
}

TEST_CASE("a store made anew beside the marker of a lost one does not take its used blocks again") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock used = ingest(*store);
  lease(*store, used, 100);
  store.reset();
  std::filesystem::remove(dir.path() / "store.db");
  store = new_kme(dir.path());
  CHECK(contents_of(*store).blocks.empty());
  CHECK(kind_of(try_to_ingest(*store, used)) == ErrorKind::conflict);
  ingest(*store);
}

TEST_CASE("a lease whose marker cannot be written is not granted, and may be asked for again") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = ingest(*store);
  const auto marker = marker_path(dir.path());
  std::filesystem::remove(marker);
  std::filesystem::create_directories(marker / "in the way");
  const std::vector<PsrdLease> leases{
      {block.id, Zone::pad, block.lease_end.pad, block.lease_end.pad + 512, block.lease_end.pad}};
  const auto refused =
      answer_of<std::vector<SecretBytes>>([&](auto done) { store->extend_leases(leases, std::move(done)); });
  CHECK(kind_of(refused) == ErrorKind::io);
  std::filesystem::remove_all(marker);
  const auto granted =
      answer_of<std::vector<SecretBytes>>([&](auto done) { store->extend_leases(leases, std::move(done)); });
  require_ok(granted);
  CHECK(constant_time_equal(granted->at(0).view(), block.data.view().subspan(leases[0].begin, 512)));
  const auto read = SetBackMarker::read(marker);
  require_ok(read);
  REQUIRE(read->has_value());
  REQUIRE((*read)->opened.size() == 1);
  CHECK((*read)->opened[0].block == block.id);
}

TEST_CASE("a marker reads back as it was written, and forgets the oldest blocks beyond its limit") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "marker";
  SetBackMarker marker;
  marker.generation = 1000;
  std::vector<BlockId> blocks;
  for (std::uint64_t i = 1; i <= SetBackMarker::kOpenedMost + 3; ++i) {
    blocks.push_back(random_id<BlockId>());
    marker.note_opened(blocks.back(), i);
  }
  CHECK(marker.complete_after == 3);
  CHECK(marker.opened.size() == SetBackMarker::kOpenedMost);
  CHECK(marker.opened.front() == SetBackMarker::Opened{blocks[3], 4});
  require_ok(marker.write(path));
  const auto read = SetBackMarker::read(path);
  require_ok(read);
  REQUIRE(read->has_value());
  CHECK(**read == marker);
}

TEST_CASE("a marker that does not reach back as far as the database makes every block count as used") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = ingest(*store);
  store.reset();
  SetBackMarker marker;
  marker.generation = 10;
  SUBCASE("it reaches back") {
    require_ok(marker.write(marker_path(dir.path())));
    store = open(dir.path());
    CHECK(contents_of(*store).dropped_after_set_back.empty());
  }
  SUBCASE("it does not") {
    marker.complete_after = 1;
    require_ok(marker.write(marker_path(dir.path())));
    store = open(dir.path());
    CHECK(contents_of(*store).dropped_after_set_back == std::vector{block.id});
  }
}

}  // namespace dske::store::test
