// Allocation of PSRD from a pool, with leases of the size that it asks for; what a store would read from disk
// is in memory.
#include "bench/micro_figures.h"
#include "dske/psrd_pool.h"

namespace dske::bench {
namespace {

// The client's side of one block.
class LeasingPool {
 public:
  LeasingPool() : block_(randomness_.bytes(layout_.total())) { begin_block(); }

  Result<Reserved> allocate(std::uint64_t size) {
    auto reserved = pool_.allocate(Zone::pad, size);
    if (reserved || reserved.error().kind != ErrorKind::unavailable) return reserved;
    for (const PsrdLease& lease : pool_.lease_wish(Zone::pad, size)) {
      pool_.leased(lease, SecretBytes::copy_of(block_.view().subspan(lease.begin, lease.end - lease.begin)));
    }
    return pool_.allocate(Zone::pad, size);
  }

  /// Once all of it has been used.
  void begin_block() {
    pool_ = PsrdPool(Side::client);
    pool_.add_block(PsrdBlock::fresh(BlockId::random(randomness_), layout_, nullptr, Side::client), true);
  }

 private:
  static constexpr std::uint64_t kHalf = std::uint64_t{8} << 20;
  SystemRandomness randomness_;
  PsrdLayout layout_ = PsrdLayout::of_halves(kHalf, kHalf);
  SecretBytes block_;
  PsrdPool pool_{Side::client};
};

void allocate_from_pool(benchmark::State& state) {
  const std::size_t size = argument(state, 0);
  LeasingPool pool;
  for (auto _ : state) {
    auto reserved = pool.allocate(size);
    if (!reserved && reserved.error().kind == ErrorKind::exhausted) {
      pool.begin_block();
      reserved = pool.allocate(size);
    }
    if (!reserved) return state.SkipWithError(reserved.error().message.c_str());
    benchmark::DoNotOptimize(reserved->bytes.data());
  }
  count_bytes(state, size);
}
BENCHMARK(allocate_from_pool)->ArgName("bytes")->Arg(32)->Arg(kOneKey)->Arg(kManyKeys);

}  // namespace
}  // namespace dske::bench
