#include "bench/relay_benchmark.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>

#include <fmt/core.h>

#include "base/log.h"
#include "bench/memory_relay.h"
#include "bench/relay_ceiling.h"
#include "bench/relay_hubs.h"
#include "bench/working_directory.h"
#include "dske/secret_tag.h"

namespace dske::bench {
namespace {

constexpr std::uint64_t kBundlesMost = 2000;  // of a round
// Of one share at a hub: POST or GET, and its part of the confirmations; with a margin.
constexpr std::uint64_t kMessagesPerBundle = 2;

RelayLoad load_of(const RelaySettings& settings, std::uint64_t bundle_bytes) {
  const std::uint64_t bundles = std::max<std::uint64_t>((settings.mebibytes << 20) / bundle_bytes, 1);
  return {bundle_bytes, std::min(bundles, kBundlesMost), settings.in_flight};
}

double megabits_per_second(const RelayLoad& load, double seconds) {
  return static_cast<double>(load.bundle_bytes * load.bundles) * 8e-6 / seconds;
}

double own_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The rate of each round, in Mbit/s.
template <class Relay>
Result<double> median_of_rounds(const RelaySettings& settings, const RelayLoad& load, Relay relay) {
  std::vector<double> rates;
  for (std::uint64_t i = 0; i < settings.rounds; ++i) {
    const Result<double> seconds = relay();
    if (!seconds) return seconds.error();
    rates.push_back(megabits_per_second(load, *seconds));
  }
  return median(std::move(rates));
}

// What all rounds of all sizes take of each hub.
struct Needs {
  std::uint64_t pad_bytes = 0;
  std::uint64_t messages = 1000;
};

Needs needs_of(const RelaySettings& settings, const std::vector<std::uint64_t>& sizes) {
  Needs needs;
  for (const std::uint64_t size : sizes) {
    const RelayLoad load = load_of(settings, size);
    const std::uint64_t bundles = load.bundles * settings.rounds + 1;
    needs.pad_bytes += bundles * (size + kSecretTagRandomSize);
    needs.messages += bundles * kMessagesPerBundle;
  }
  needs.pad_bytes += needs.pad_bytes / 20;
  return needs;
}

Result<double> in_memory(const RelaySettings& settings, const RelayLoad& load) {
  const Needs needs = needs_of(settings, {load.bundle_bytes});
  auto relay = MemoryRelay::start(settings.hubs, settings.shares_required, needs.pad_bytes, needs.messages);
  if (!relay) return relay.error();
  if (auto first = relay_bundles(**relay, {load.bundle_bytes, 1, 1}); !first) return first.error();
  return median_of_rounds(settings, load, [&] { return relay_bundles(**relay, load); });
}

Result<void> measure_in_memory(const RelaySettings& settings) {
  fmt::print("{:>12}  {:>8}  {:>22}\n", "bundle bytes", "bundles", "protocol alone, Mbit/s");
  for (const std::uint64_t size : settings.bundle_bytes) {
    const RelayLoad load = load_of(settings, size);
    const auto protocol = in_memory(settings, load);
    if (!protocol) return protocol.error();
    fmt::print("{:12}  {:8}  {:22.1f}\n", size, load.bundles, *protocol);
  }
  return {};
}

Result<void> measure_durable(const RelaySettings& settings) {
  const WorkingDirectory directory(settings.directory);
  const Needs needs = needs_of(settings, settings.bundle_bytes);
  auto network = RelayHubs::start(directory.path(), settings.hubs, settings.shares_required, needs.pad_bytes,
                                  needs.messages);
  if (!network) return network.error();
  if (auto first = relay_bundles(**network, {1024, 1, 1}); !first) return first.error();
  fmt::print("{:>12}  {:>8}  {:>15}  {:>15}  {:>13}  {:>17}  {:>17}\n", "bundle bytes", "bundles",
             "durable, Mbit/s", "protocol alone", "HTTP alone", "ratio to protocol", "CPU s KMEs + hubs");
  for (const std::uint64_t size : settings.bundle_bytes) {
    const RelayLoad load = load_of(settings, size);
    const double own_before = own_cpu_seconds();
    const double hubs_before = (*network)->hub_cpu_seconds();
    const auto durable = median_of_rounds(settings, load, [&] { return relay_bundles(**network, load); });
    if (!durable) return durable.error();
    const double own = own_cpu_seconds() - own_before;
    const double of_hubs = (*network)->hub_cpu_seconds() - hubs_before;
    const auto protocol = in_memory(settings, load);
    if (!protocol) return protocol.error();
    const auto http = median_of_rounds(settings, load, [&] { return relay_raw_bodies(settings.hubs, load); });
    if (!http) return http.error();
    fmt::print("{:12}  {:8}  {:15.1f}  {:15.1f}  {:13.1f}  {:17.2f}  {:8.2f} {:8.2f}\n", size, load.bundles,
               *durable, *protocol, *http, *durable / *protocol, own, of_hubs);
  }
  return {};
}

}  // namespace

Result<void> run_relay_benchmark(const RelaySettings& settings) {
  log::set_level(log::Level::warning);
  fmt::print(
      "secret over {} hubs, k = {}, {} bundles in flight, medians of {} rounds of at most {} MiB and {} "
      "bundles\n",
      settings.hubs, settings.shares_required, settings.in_flight, settings.rounds, settings.mebibytes,
      kBundlesMost);
  if (settings.directory.empty()) return measure_in_memory(settings);
  fmt::print(
      "hubs: dske-hub processes; both KMEs' DSKE halves with their stores on disk in this process, without "
      "the SAEs' side\n");
  return measure_durable(settings);
}

}  // namespace dske::bench
