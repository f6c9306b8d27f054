#include "store/store_fixture.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "store/database.h"
#include "store/schema.h"

namespace dske::store::test {

NewBlock random_block(Side own, const PsrdLayout& layout) {
  SystemRandomness randomness;
  const PsrdBlock fresh = PsrdBlock::fresh(random_id<BlockId>(), layout, nullptr, own);
  return {fresh.id, layout, fresh.lease_end, fresh.floor, randomness.bytes(layout.total())};
}

bool same_bytes(const PsrdBlock& stored, const NewBlock& block, std::uint64_t begin, std::uint64_t end) {
  // Zone by zone: that is how they are read.
  for (const std::uint64_t position :
       {block.layout.begin(Side::client, Zone::pad), block.layout.begin(Side::hub, Zone::authenticator),
        block.layout.begin(Side::hub, Zone::pad), end}) {
    if (position <= begin) continue;
    const std::uint64_t size = std::min(position, end) - begin;
    const auto read = stored.bytes->read(begin, size);
    if (!read || !constant_time_equal(read->view(), block.data.view().subspan(begin, size))) return false;
    begin += size;
    if (begin == end) break;
  }
  return true;
}

bool wiped_bytes(const PsrdBlock& stored, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t position = begin; position < end; position += kPsrdPieceBytes) {
    if (stored.bytes->read(position, 1)) return false;
  }
  return true;
}

const SecretBytes& node_key() {
  static const SecretBytes key = SystemRandomness().bytes(Sealer::kKeyBytes);
  return key;
}

DurableDeadline deadline(std::chrono::seconds from_now) {
  const SystemClock clock;
  return DurableDeadline::at(clock.now() + from_now, clock);
}

DurableDeadline deadline_of_other_boot(std::chrono::seconds from_now) {
  DurableDeadline made = deadline(from_now);
  made.boot_id = "00000000-0000-4000-8000-000000000000";
  made.boottime_nanos = 1;
  return made;
}

BundleContext context(const ClientName& initiator, std::uint32_t key_count, bool two_slaves) {
  BundleContext made;
  made.id = random_bundle();
  made.initiator = initiator;
  made.key_count = key_count;
  made.key_size_bytes = 32;
  made.master = sae("carol");
  made.slaves = {{sae("celia"), client("celia")}};
  if (two_slaves) made.slaves.push_back({sae("frank"), client("frank")});
  made.shares_required = 2;
  made.hubs = {random_id<HubId>(), random_id<HubId>(), random_id<HubId>()};
  return made;
}

ShareRecord share_of(const BundleContext& context, const DurableDeadline& expires) {
  SystemRandomness randomness;
  ShareRecord share{context, randomness.bytes(context.share_bytes()), {}, expires};
  randomness.fill(share.secret_tag);
  return share;
}

HeldBundle held_of(const BundleContext& context, const DurableDeadline& expires) {
  SystemRandomness randomness;
  return {context, randomness.bytes(context.key_count * context.key_size_bytes), expires, {}};
}

Result<std::unique_ptr<HubStore>> open_hub(const std::filesystem::path& dir) {
  return HubStore::open(dir, node_key());
}
Result<std::unique_ptr<KmeStore>> open_kme(const std::filesystem::path& dir) {
  return KmeStore::open(dir, node_key());
}

std::unique_ptr<HubStore> new_hub(const std::filesystem::path& dir) {
  require_ok(HubStore::create(dir, node_key(), random_id<HubId>()));
  auto store = open_hub(dir);
  require_ok(store);
  for (const char* each : {"carol", "celia"}) {
    require_ok(answer_of<ClientRecord>([&](auto done) {
      (*store)->put_client(client(each), random_id<ClientId>(), {sae(each)}, std::move(done));
    }));
  }
  return std::move(*store);
}

void add_client(HubStore& store, std::string_view name) {
  require_ok(answer_of<ClientRecord>(
      [&](auto done) { store.put_client(client(name), random_id<ClientId>(), {}, std::move(done)); }));
}

std::unique_ptr<KmeStore> new_kme(const std::filesystem::path& dir) {
  require_ok(KmeStore::create(dir, node_key()));
  auto store = open_kme(dir);
  require_ok(store);
  return std::move(*store);
}

bool on_disk(const std::filesystem::path& dir, ByteView bytes) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string contents((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (contents.find(as_text(bytes)) != std::string::npos) return true;
  }
  return false;
}

void change(const std::filesystem::path& dir, const std::string& sql) {
  auto database = Database::open(database_path(dir), Database::Access::read_write);
  require_ok(database);
  require_ok((*database)->execute(sql));
}

}  // namespace dske::store::test
