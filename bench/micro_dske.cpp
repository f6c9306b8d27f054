// Micro-benchmarks of the protocol's mathematics. Arguments: bytes of the secret, and k/n or the code path
// where named.
#include "base/random.h"
#include "bench/micro_figures.h"
#include "dske/one_time_mac.h"
#include "dske/one_time_pad.h"
#include "dske/secret_sharing.h"
#include "dske/secret_tag.h"
#include "dske/share_decoding.h"

namespace dske::bench {
namespace {

std::vector<SharePoint> points_of(const std::vector<SecretBytes>& shares) {
  std::vector<SharePoint> points;
  for (std::size_t i = 0; i < shares.size(); ++i)
    points.push_back({static_cast<std::uint8_t>(i + 1), shares[i].view()});
  return points;
}

void multiply_add(benchmark::State& state) {
  const auto path = static_cast<GfPath>(state.range(1));
  if (!is_supported(path)) return state.SkipWithError("this CPU does not have it");
  SystemRandomness randomness;
  SecretBytes out = randomness.bytes(argument(state, 0));
  const SecretBytes in = randomness.bytes(argument(state, 0));
  for (auto _ : state) {
    gf256::multiply_add(out.span(), 0xe5, in.view(), path);
    benchmark::ClobberMemory();
  }
  count_bytes(state, in.size());
}
BENCHMARK(multiply_add)->ArgNames({"bytes", "path"})->ArgsProduct({{kOneKey, kManyKeys}, {0, 1, 2}});

void split_secret(benchmark::State& state) {
  SystemRandomness randomness;
  const SecretBytes secret = randomness.bytes(argument(state, 0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(split(secret.view(), argument(state, 1), argument(state, 2), randomness));
  }
  count_bytes(state, secret.size());
}
BENCHMARK(split_secret)
    ->ArgNames({"bytes", "k", "n"})
    ->ArgsProduct({{kOneKey, kManyKeys, kLargest}, {3}, {5}});
BENCHMARK(split_secret)->ArgNames({"bytes", "k", "n"})->Args({kOneKey, 9, 16})->Args({kManyKeys, 9, 16});

void recover_secret(benchmark::State& state) {
  SystemRandomness randomness;
  const SecretBytes secret = randomness.bytes(argument(state, 0));
  const auto shares = split(secret.view(), argument(state, 1), argument(state, 1), randomness);
  const std::vector<SharePoint> points = points_of(*shares);
  for (auto _ : state) benchmark::DoNotOptimize(recover(points));
  count_bytes(state, secret.size());
}
BENCHMARK(recover_secret)->ArgNames({"bytes", "k"})->ArgsProduct({{kOneKey, kManyKeys, kLargest}, {3, 9}});

// The responder's whole way from n shares, `wrong` of the first of which are spoiled, to a checked secret.
void recover_checked_secret(benchmark::State& state) {
  const std::size_t k = argument(state, 1);
  const std::size_t n = argument(state, 2);
  SystemRandomness randomness;
  const SecretBytes secret = randomness.bytes(argument(state, 0));
  const SecretBytes context = randomness.bytes(300);
  const auto tag_of = [&](ByteView whole) {
    return secret_tag(whole.first(kSecretTagRandomSize), context.view(), whole.subspan(kSecretTagRandomSize));
  };
  const SecretTag tag = tag_of(secret.view());
  auto shares = split(secret.view(), k, n, randomness);
  for (std::size_t i = 0; i < argument(state, 3); ++i) (*shares)[i].data()[i] ^= 1;
  const std::vector<SharePoint> points = points_of(*shares);
  for (auto _ : state) {
    const auto found = recover_checked(
        points, k, n, [&](ByteView whole) { return constant_time_equal(tag_of(whole), tag); });
    if (!found) state.SkipWithError("not recovered");
  }
}
BENCHMARK(recover_checked_secret)
    ->ArgNames({"bytes", "k", "n", "wrong"})
    ->Args({kOneKey, 3, 5, 0})
    ->Args({kOneKey, 3, 5, 1})
    ->Args({kOneKey, 3, 5, 2})
    ->Args({kManyKeys, 3, 5, 1})
    ->Args({kOneKey, 8, 16, 4})
    ->Args({kOneKey, 8, 16, 8})
    ->Args({kManyKeys, 40, 100, 30});

void tag_secret(benchmark::State& state) {
  const auto path = static_cast<ClmulPath>(state.range(1));
  if (!is_supported(path)) return state.SkipWithError("this CPU does not have it");
  SystemRandomness randomness;
  const SecretBytes u = randomness.bytes(kSecretTagRandomSize);
  const SecretBytes context = randomness.bytes(300);
  const SecretBytes secret = randomness.bytes(argument(state, 0));
  for (auto _ : state) benchmark::DoNotOptimize(secret_tag(u.view(), context.view(), secret.view(), path));
  count_bytes(state, context.size() + secret.size());
}
BENCHMARK(tag_secret)->ArgNames({"bytes", "path"})->ArgsProduct({{32, 128 * 32, kLargest}, {0, 1}});

void one_time_mac(benchmark::State& state) {
  SystemRandomness randomness;
  const SecretBytes key = randomness.bytes(kOneTimeMacKeySize);
  const SecretBytes message = randomness.bytes(argument(state, 0));
  for (auto _ : state) {
    OneTimeMac mac(key.view());
    mac.update_item(message.view());
    benchmark::DoNotOptimize(mac.finish());
  }
  count_bytes(state, message.size());
}
BENCHMARK(one_time_mac)->ArgName("bytes")->Arg(1000)->Arg(10'000)->Arg(kLargest);

void one_time_pad(benchmark::State& state) {
  SystemRandomness randomness;
  SecretBytes text = randomness.bytes(argument(state, 0));
  const SecretBytes pad = randomness.bytes(argument(state, 0));
  for (auto _ : state) {
    apply_pad(text.span(), pad.view());
    benchmark::ClobberMemory();
  }
  count_bytes(state, text.size());
}
BENCHMARK(one_time_pad)->ArgName("bytes")->Arg(kOneKey)->Arg(kManyKeys);

}  // namespace
}  // namespace dske::bench
