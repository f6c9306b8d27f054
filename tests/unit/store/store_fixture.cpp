#include "store/store_fixture.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace dske::store::test {

PsrdBlock random_block(Side own, const PsrdLayout& layout) {
  SystemRandomness randomness;
  return PsrdBlock::fresh(random_id<BlockId>(), layout, randomness.bytes(layout.total()), own);
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
  return HubStore::open(dir);
}
Result<std::unique_ptr<KmeStore>> open_kme(const std::filesystem::path& dir) {
  return KmeStore::open(dir);
}

std::unique_ptr<HubStore> new_hub(const std::filesystem::path& dir) {
  require_ok(HubStore::create(dir, random_id<HubId>()));
  auto store = HubStore::open(dir);
  require_ok(store);
  for (const char* each : {"carol", "celia"}) {
    require_ok(answer_of<ClientRecord>([&](auto done) {
      (*store)->put_client(client(each), random_id<ClientId>(), {sae(each)}, std::move(done));
    }));
  }
  return std::move(*store);
}

std::unique_ptr<KmeStore> new_kme(const std::filesystem::path& dir) {
  require_ok(KmeStore::create(dir));
  auto store = KmeStore::open(dir);
  require_ok(store);
  return std::move(*store);
}

bool on_disk(const std::filesystem::path& dir, ByteView bytes) {
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string contents((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (contents.find(as_text(bytes)) != std::string::npos) return true;
  }
  return false;
}

}  // namespace dske::store::test
