// The product's secret sharing beside the usual table-driven code.
#include "bench/micro_figures.h"
#include "bench/table_sharing.h"
#include "dske/secret_sharing.h"

namespace dske::bench {
namespace {

void split_secret_by_tables(benchmark::State& state) {
  SystemRandomness randomness;
  const SecretBytes secret = randomness.bytes(argument(state, 0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(table_split(secret.view(), argument(state, 1), argument(state, 2), randomness));
  }
  count_bytes(state, secret.size());
}
BENCHMARK(split_secret_by_tables)
    ->ArgNames({"bytes", "k", "n"})
    ->ArgsProduct({{kOneKey, kManyKeys, kLargest}, {3}, {5}});

void recover_secret_by_tables(benchmark::State& state) {
  SystemRandomness randomness;
  const SecretBytes secret = randomness.bytes(argument(state, 0));
  const auto shares = table_split(secret.view(), argument(state, 1), argument(state, 1), randomness);
  for (auto _ : state) benchmark::DoNotOptimize(table_recover(shares));
  count_bytes(state, secret.size());
}
BENCHMARK(recover_secret_by_tables)
    ->ArgNames({"bytes", "k"})
    ->ArgsProduct({{kOneKey, kManyKeys, kLargest}, {3, 9}});

}  // namespace
}  // namespace dske::bench
