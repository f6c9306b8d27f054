// Leases and floors, and that consumed PSRD and shares leave the disk.
#include <algorithm>

#include "store/block_file.h"
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

using Leased = std::vector<SecretBytes>;

Result<Leased> extend(PsrdStore& store, std::vector<PsrdLease> leases) {
  return answer_of<Leased>([&](auto done) { store.extend_leases(std::move(leases), std::move(done)); });
}

Result<void> give_back(PsrdStore& store, const NewBlock& block, std::uint64_t position,
                       std::uint64_t leased_to) {
  std::vector<PsrdReturn> returns;
  returns.push_back({block.id, Zone::pad, position,
                     SecretBytes::copy_of(block.data.view().subspan(position, leased_to - position))});
  return answer_of<void>([&](auto done) { store.return_leases(std::move(returns), std::move(done)); });
}

Result<void> raise(PsrdStore& store, std::vector<PsrdFloor> floors) {
  return answer_of<void>([&](auto done) { store.raise_floors(std::move(floors), std::move(done)); });
}

void ingest(KmeStore& store, const NewBlock& block) {
  static const HubRecord hub{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1",
                             random_id<ClientId>()};
  require_ok(answer_of<PsrdBlock>(
      [&](auto done) { store.ingest_block(hub, written(store, block), std::move(done)); }));
}

PsrdBlock only_block(KmeStore& store) {
  auto contents = store.load();
  require_ok(contents);
  REQUIRE(contents->blocks.size() == 1);
  return std::move(contents->blocks[0].block);
}

std::unique_ptr<KmeStore> reopen(std::unique_ptr<KmeStore> store, const std::filesystem::path& dir) {
  store.reset();
  auto opened = open_kme(dir);
  require_ok(opened);
  return std::move(*opened);
}

bool are(const Result<Leased>& leased, const NewBlock& block, std::uint64_t begin) {
  return leased &&
         constant_time_equal(leased->at(0).view(), block.data.view().subspan(begin, leased->at(0).size()));
}

/// Whether the sealed pieces of a block in [begin, end) are zeros in its file.
bool zeros_in_file(const std::filesystem::path& dir, const NewBlock& block, std::uint64_t begin,
                   std::uint64_t end) {
  const auto file = read_file(dir / "psrd" / (block.id.text() + ".psrd"), std::size_t{1} << 30);
  require_ok(file);
  const SealedZones zones(block.layout);
  for (std::uint64_t position = begin; position < end; position = zones.piece_at(position).end()) {
    const auto piece = zones.piece_at(position);
    const ByteView sealed = file->view().subspan(piece.offset, piece.sealed_size());
    if (std::any_of(sealed.begin(), sealed.end(), [](std::uint8_t byte) { return byte != 0; })) return false;
  }
  return true;
}

constexpr std::uint64_t kPiece = kPsrdPieceBytes;

}  // namespace

TEST_CASE("a lease answers its bytes, comes back as it was extended, and what was used is wiped before") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  const auto both = extend(*store, {{block.id, Zone::pad, pad, pad + 4 * kPiece, pad},
                                    {block.id, Zone::authenticator, 0, kPiece, 0}});
  CHECK(are(both, block, pad));
  CHECK(constant_time_equal(both->at(1).view(), block.data.view().first(kPiece)));
  CHECK(are(extend(*store, {{block.id, Zone::pad, pad + 4 * kPiece, pad + 5 * kPiece, pad + 700}}), block,
            pad + 4 * kPiece));
  CHECK(zeros_in_file(dir.path(), block, pad, pad + 2 * kPiece));
  CHECK_FALSE(zeros_in_file(dir.path(), block, pad + 2 * kPiece, pad + 3 * kPiece));
  store = reopen(std::move(store), dir.path());
  // What was leased and perhaps used before the restart is wiped at the start; nothing else is.
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.lease_end.pad == pad + 5 * kPiece);
  CHECK(loaded.lease_end.authenticator == kPiece);
  CHECK(loaded.floor == block.floor);
  CHECK(zeros_in_file(dir.path(), block, 0, kPiece));
  CHECK(zeros_in_file(dir.path(), block, pad, pad + 5 * kPiece));
  CHECK(wiped_bytes(loaded, pad, pad + 5 * kPiece));
  CHECK(same_bytes(loaded, block, kPiece, pad));
  CHECK(same_bytes(loaded, block, pad + 5 * kPiece, block.layout.total()));
}

TEST_CASE("the unused rest of a lease can be given back, from the middle of a piece, again and again") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  std::uint64_t position = pad;
  for (const std::uint64_t used : {100U, 30U, 1000U, 382U, 0U, 511U, 513U}) {
    const std::uint64_t end = block.layout.piece_end(Side::client, Zone::pad, position + used + 3 * kPiece);
    CHECK(are(extend(*store, {{block.id, Zone::pad, position, end, position}}), block, position));
    position += used;
    require_ok(give_back(*store, block, position, end));
    store = reopen(std::move(store), dir.path());
    const PsrdBlock loaded = only_block(*store);
    CHECK(loaded.lease_end.pad == position);
    const std::uint64_t next_piece = block.layout.piece_end(Side::client, Zone::pad, position);
    CHECK(zeros_in_file(dir.path(), block, pad, next_piece));
    CHECK_FALSE(zeros_in_file(dir.path(), block, next_piece, next_piece + kPiece));
    CHECK(same_bytes(loaded, block, position, block.layout.total()));
  }
  // What was never leased, or is wiped, cannot be given back.
  CHECK(kind_of(give_back(*store, block, position + 600, position + 600)) == ErrorKind::invalid);
  CHECK(kind_of(give_back(*store, block, pad, pad + kPiece)) == ErrorKind::invalid);
}

TEST_CASE("after a crash no head of an earlier clean stop is used, for its lease has gone on") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  require_ok(extend(*store, {{block.id, Zone::pad, pad, pad + kPiece, pad}}));
  require_ok(give_back(*store, block, pad + 40, pad + kPiece));
  store = reopen(std::move(store), dir.path());
  only_block(*store);
  CHECK(are(extend(*store, {{block.id, Zone::pad, pad + 40, pad + 2 * kPiece, pad + 40}}), block, pad + 40));
  // Without giving back, as after a crash.
  store = reopen(std::move(store), dir.path());
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.lease_end.pad == pad + 2 * kPiece);
  CHECK_FALSE(loaded.bytes->read(pad + 40, 32));
  CHECK(kind_of(extend(*store, {{block.id, Zone::pad, pad + 40, pad + 2 * kPiece, pad + 40}})) ==
        ErrorKind::invalid);
}

TEST_CASE("leases are extended all or none, and only within their zone") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  const std::uint64_t end = block.layout.end(Side::client, Zone::pad);
  const PsrdLease good{block.id, Zone::pad, pad, pad + kPiece, pad};
  CHECK(kind_of(extend(*store, {good, {random_id<BlockId>(), Zone::pad, 0, 64, 0}})) == ErrorKind::not_found);
  const auto refused = [&](const PsrdLease& bad) {
    return kind_of(extend(*store, {good, bad})) == ErrorKind::invalid;
  };
  CHECK(refused({block.id, Zone::authenticator, 0, pad + 1, 0}));
  CHECK(refused({block.id, Zone::pad, pad, end + 1, pad}));
  CHECK(refused({block.id, Zone::pad, pad - 1, pad + 64, pad - 1}));
  CHECK(refused({block.id, Zone::pad, pad + 64, pad + 32, pad}));
  CHECK(refused({block.id, Zone::pad, pad + 64, pad + 128, pad + 65}));
  CHECK(refused({block.id, Zone::pad, pad + 64, pad + 128, pad - 1}));
  CHECK(refused({block.id, Zone::pad, pad, UINT64_MAX, pad}));
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.lease_end == block.lease_end);
  CHECK(same_bytes(loaded, block, 0, block.layout.total()));
  require_ok(extend(*store, {{block.id, Zone::pad, pad, end, pad}}));
  require_ok(extend(*store, {{block.id, Zone::pad, end, end, end}}));
  CHECK(zeros_in_file(dir.path(), block, pad, end));
}

TEST_CASE("nothing is wiped that a restart would still use, however far the caller says it is") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t pad = block.lease_end.pad;
  // A caller that skipped ahead, and whose lease then fails together with another.
  const PsrdLease skipped{block.id, Zone::pad, pad + 5 * kPiece, pad + 6 * kPiece, pad + 5 * kPiece};
  CHECK_FALSE(extend(*store, {skipped, {random_id<BlockId>(), Zone::pad, 0, 64, 0}}));
  store = reopen(std::move(store), dir.path());
  const PsrdBlock loaded = only_block(*store);
  CHECK(loaded.lease_end.pad == pad);
  CHECK(same_bytes(loaded, block, 0, block.layout.total()));
}

TEST_CASE("floors only grow, and what lies below is wiped") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t floor = block.floor.authenticator;
  require_ok(
      raise(*store, {{block.id, Zone::authenticator, floor + 96}, {random_id<BlockId>(), Zone::pad, 5}}));
  require_ok(raise(*store, {{block.id, Zone::authenticator, floor + 32}}));
  CHECK(kind_of(raise(*store, {{block.id, Zone::pad, block.floor.pad - 1}})) == ErrorKind::invalid);
  CHECK(kind_of(raise(*store, {{block.id, Zone::pad, block.layout.total() + 1}})) == ErrorKind::invalid);
  for (const std::uint64_t above : {96U, 500U, 512U, 513U, 1500U, 4000U}) {
    require_ok(raise(*store, {{block.id, Zone::authenticator, floor + above}}));
    const std::uint64_t piece = block.layout.piece_end(Side::hub, Zone::authenticator, floor + above);
    CHECK(zeros_in_file(dir.path(), block, floor, piece));
    CHECK(same_bytes(only_block(*store), block, floor + above, block.layout.total()));
    store = reopen(std::move(store), dir.path());
    const PsrdBlock loaded = only_block(*store);
    CHECK(loaded.floor.authenticator == floor + above);
    CHECK(loaded.floor.pad == block.floor.pad);
    CHECK_FALSE(loaded.bytes->read(floor, 1));
    CHECK(same_bytes(loaded, block, floor + above, block.layout.total()));
    CHECK(same_bytes(loaded, block, 0, floor));
  }
}

TEST_CASE("what was used above a floor never comes back as zeros, which anyone could know") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  ingest(*store, block);
  const std::uint64_t floor = block.floor.authenticator;
  const PsrdBlock live = only_block(*store);
  // As a pool does: two messages, the second one first; then the floor rises to the first's begin.
  REQUIRE(live.bytes->read(floor + 128, 32));
  live.bytes->forget(floor + 128, 32);
  require_ok(raise(*store, {{block.id, Zone::authenticator, floor + 64}}));
  live.bytes->forget(floor + 192, 32);
  require_ok(raise(*store, {{block.id, Zone::authenticator, floor + 96}}));
  store = reopen(std::move(store), dir.path());
  CHECK(same_bytes(only_block(*store), block, floor + 96, floor + 1000));
}

TEST_CASE("a hub allocates from the other half") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  const NewBlock block = random_block(Side::hub);
  require_ok(answer_of<PsrdBlock>(
      [&](auto done) { store->add_block(client("carol"), written(*store, block), std::move(done)); }));
  const std::uint64_t of_client = block.layout.begin(Side::client, Zone::pad);
  CHECK(kind_of(extend(*store, {{block.id, Zone::pad, of_client, of_client + 10, of_client}})) ==
        ErrorKind::invalid);
  const std::uint64_t pad = block.lease_end.pad;
  require_ok(extend(*store, {{block.id, Zone::pad, pad, pad + kPiece, pad}}));
  require_ok(raise(*store, {{block.id, Zone::pad, block.floor.pad + 20}}));
  const auto contents = store->load();
  require_ok(contents);
  CHECK(contents->blocks.at(0).block.lease_end.pad == pad + kPiece);
  CHECK(contents->blocks.at(0).block.floor.pad == block.floor.pad + 20);
}

TEST_CASE("zones of odd sizes are kept, leased and wiped to their last byte") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client, PsrdLayout{32, 1000, 513, 70001});
  ingest(*store, block);
  CHECK(same_bytes(only_block(*store), block, 0, block.layout.total()));
  const std::uint64_t pad = block.lease_end.pad;
  CHECK(are(extend(*store, {{block.id, Zone::pad, pad, pad + 1000, pad}}), block, pad));
  require_ok(give_back(*store, block, pad + 999, pad + 1000));
  require_ok(raise(*store, {{block.id, Zone::authenticator, block.floor.authenticator + 512},
                            {block.id, Zone::pad, block.layout.total() - 1}}));
  store = reopen(std::move(store), dir.path());
  const PsrdBlock loaded = only_block(*store);
  CHECK(same_bytes(loaded, block, pad + 999, pad + 1000));
  CHECK(same_bytes(loaded, block, block.floor.authenticator + 512, block.floor.authenticator + 513));
  CHECK(same_bytes(loaded, block, block.layout.total() - 1, block.layout.total()));
  CHECK(zeros_in_file(dir.path(), block, pad, pad + 1000));
  CHECK(zeros_in_file(dir.path(), block, block.floor.pad, block.layout.total()));
  require_ok(raise(*store, {{block.id, Zone::pad, block.layout.total()}}));
  CHECK_FALSE(only_block(*store).bytes->read(block.layout.total() - 1, 1));
}

TEST_CASE("neither PSRD nor shares nor keys lie in the open, and what is dropped leaves no file") {
  const TemporaryDirectory hub_dir;
  const auto hub = new_hub(hub_dir.path());
  const NewBlock kept = random_block(Side::hub);
  const NewBlock dropped = random_block(Side::hub);
  for (const NewBlock* block : {&kept, &dropped}) {
    require_ok(answer_of<PsrdBlock>(
        [&](auto done) { hub->add_block(client("carol"), written(*hub, *block), std::move(done)); }));
  }
  require_ok(raise(*hub, {{kept.id, Zone::pad, kept.floor.pad + 100}}));
  const auto share = share_of(context(client("carol"), 300), deadline(seconds(60)));
  require_ok(answer_of<void>([&](auto done) {
    hub->add_share({share.context, share.share.clone(), share.secret_tag, share.expires}, {client("celia")},
                   std::move(done));
  }));
  require_ok(answer_of<void>([&](auto done) {
    hub->register_client({client("carol"), 1, {}, {}, {dropped.id}}, std::move(done));
  }));
  for (const ByteView secret :
       {kept.data.view().first(32), kept.data.view().last(32),
        kept.data.view().subspan(kept.floor.pad + 100, 32), dropped.data.view().first(32),
        share.share.view().first(32), share.share.view().last(32), node_key().view()}) {
    CHECK_FALSE(on_disk(hub_dir.path(), secret));
  }
  CHECK(on_disk(hub_dir.path(), share.secret_tag));  // what is no secret is found: the search works
  CHECK(std::filesystem::exists(hub_dir.path() / "psrd" / (kept.id.text() + ".psrd")));
  CHECK_FALSE(std::filesystem::exists(hub_dir.path() / "psrd" / (dropped.id.text() + ".psrd")));

  const TemporaryDirectory kme_dir;
  const auto kme = new_kme(kme_dir.path());
  const auto bundle = held_of(context(client("carol"), 200), deadline(seconds(60)));
  require_ok(answer_of<void>([&](auto done) {
    kme->hold_bundle({bundle.context, bundle.keys.clone(), bundle.expires, {}}, std::move(done));
  }));
  CHECK_FALSE(on_disk(kme_dir.path(), bundle.keys.view().first(32)));
  CHECK_FALSE(on_disk(kme_dir.path(), bundle.keys.view().last(32)));
}

TEST_CASE("a block whose writing was not finished, or whose sizes do not fit, is not taken") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  {
    auto writer = store->write_block(block.id, block.layout);
    require_ok(writer);
    require_ok((*writer)->write(block.data.view().first(1000)));
    CHECK(kind_of((*writer)->finish()) == ErrorKind::invalid);
    CHECK(kind_of((*writer)->write(block.data.view())) == ErrorKind::invalid);
  }
  CHECK(std::filesystem::is_empty(dir.path() / "psrd"));
  CHECK(kind_of(store->write_block(block.id, PsrdLayout{31, 32, 32, 32})) == ErrorKind::invalid);
}

TEST_CASE("the same block may be written twice at once, and is taken once") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = random_block(Side::client);
  const HubRecord hub{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1", random_id<ClientId>()};
  auto one = written(*store, block);
  auto two = written(*store, block);
  require_ok(
      answer_of<PsrdBlock>([&](auto done) { store->ingest_block(hub, std::move(one), std::move(done)); }));
  CHECK(kind_of(answer_of<PsrdBlock>([&](auto done) {
          store->ingest_block(hub, std::move(two), std::move(done));
        })) == ErrorKind::conflict);
  CHECK(*answer_of<bool>([&](auto done) { store->knows_block(block.id, std::move(done)); }));
  CHECK_FALSE(
      *answer_of<bool>([&](auto done) { store->knows_block(random_id<BlockId>(), std::move(done)); }));
  store = reopen(std::move(store), dir.path());
  CHECK(same_bytes(only_block(*store), block, 0, block.layout.total()));
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path() / "psrd"), {}) == 1);
}

}  // namespace dske::store::test
