#include "bench/ceiling_benchmark.h"

#include <fmt/core.h>

#include "bench/figures.h"
#include "bench/key_pair_load.h"
#include "bench/process_figures.h"

namespace dske::bench {
namespace {

void print(const char* name, const Series& series, double server_us, double generator_us, std::size_t bytes) {
  const Figures figures = series.medians();
  fmt::print(
      "{:<9} {:8.0f} requests/s  p50 {:.3f} ms  p99 {:.3f} ms; CPU per request: server {:.1f} us, generator "
      "{:.1f} us; answers of {} bytes\n",
      name, figures.per_second, figures.p50_ms, figures.p99_ms, server_us, generator_us, bytes);
}

constexpr double kMicroseconds = 1e6;

}  // namespace

Result<void> run_ceiling_benchmark(const CeilingSettings& settings) {
  const auto network = open_network(settings.topology_file);
  if (!network) return network.error();
  const auto master = find_encryptor(*network, settings.master_sae);
  if (!master) return master.error();
  const auto slave = find_encryptor(*network, settings.slave_sae);
  if (!slave) return slave.error();
  const KeyLoad load{settings.connections, settings.number, settings.size_bits};
  const auto server = start_ceiling(*network, *master, load);
  if (!server) return server.error();
  auto pair = KeyPairLoad::at_ceiling(**server, *master, *slave, load);
  if (!pair) return pair.error();

  struct Kind {
    Series series;
    std::vector<double> server_us;
    std::vector<double> generator_us;
  };
  Kind enc;
  Kind dec;
  const auto note = [&](Kind& kind, const Burst& burst, double server_seconds) {
    kind.series.add(burst.per_second(), burst.latencies);
    kind.server_us.push_back(server_seconds * kMicroseconds / settings.requests);
    kind.generator_us.push_back(burst.generator_seconds * kMicroseconds / settings.requests);
  };
  std::size_t answer_bytes = 0;
  for (std::uint32_t round = 0; round < settings.rounds; ++round) {
    const double begun = cpu_seconds_of((*server)->pid());
    const auto enc_burst = pair->enc_keys(settings.requests);
    if (!enc_burst) return enc_burst.error();
    const double between = cpu_seconds_of((*server)->pid());
    const auto dec_burst = pair->dec_keys(enc_burst->bodies);
    if (!dec_burst) return dec_burst.error();
    note(enc, *enc_burst, between - begun);
    note(dec, *dec_burst, cpu_seconds_of((*server)->pid()) - between);
    answer_bytes = enc_burst->bodies.front().size();
  }
  fmt::print("a constant over mutual TLS, {} connections, {} keys per request, {} rounds of {} requests\n",
             settings.connections, settings.number, settings.rounds, settings.requests);
  print("enc_keys", enc.series, median(enc.server_us), median(enc.generator_us), answer_bytes);
  print("dec_keys", dec.series, median(dec.server_us), median(dec.generator_us), answer_bytes);
  return {};
}

}  // namespace dske::bench
