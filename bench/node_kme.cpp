// `dske-bench node kme`.
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "bench/latency.h"
#include "bench/node_benchmark.h"
#include "bench/node_figures.h"
#include "bench/pair_network.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::uint32_t kKeysPerPair = 32;  // the default of key_store: minimum_keys
constexpr std::uint64_t kBundleBytes = kKeysPerPair * 32 + 32;
constexpr std::chrono::seconds kIdle{5};
constexpr std::uint32_t kKeysPerConnection = 250;
constexpr std::chrono::seconds kFillPatience{300};
constexpr std::chrono::milliseconds kBetweenRequests{5};

class KmeBenchmark {
 public:
  KmeBenchmark(NodeSettings settings, PairNetwork& network)
      : settings_(std::move(settings)), network_(network) {}

  Result<void> run() {
    if (auto given = provision(0); !given) return given;
    for (ServedNode* kme : {&network_.master_kme(), &network_.slave_kme()}) {
      const auto bytes = resident_bytes_of(kme->pid());
      if (!bytes) return bytes.error();
      (kme == &network_.master_kme() ? empty_master_ : empty_slave_) = *bytes;
    }
    for (const std::uint32_t size : settings_.sizes) {
      if (auto measured = measure(size); !measured)
        return measured.error().within(fmt::format("{} SAEs", size));
    }
    fmt::print("without any key the master's KME takes {:.1f} MiB, the slave's {:.1f} MiB\n",
               mebibytes(empty_master_), mebibytes(empty_slave_));
    figures_.print();
    return {};
  }

 private:
  // PSRD for so many more pairs; then both KMEs start anew, so that what the ingestion took is none of
  // theirs.
  Result<void> provision(std::uint32_t pairs) {
    for (ServedNode* kme : {&network_.master_kme(), &network_.slave_kme()}) {
      if (kme->pid() != 0) continue;
      if (auto started = kme->start(); !started) return started.error();
    }
    if (auto given = network_.provision(pairs + settings_.requests, kBundleBytes); !given) return given;
    for (ServedNode* kme : {&network_.master_kme(), &network_.slave_kme()}) {
      if (auto stopped = kme->stop(); !stopped) return stopped.error();
    }
    if (pairs > 0) {
      if (auto set = network_.set_masters(pairs / PairNetwork::kSlaves); !set) return set;
    }
    for (ServedNode* kme : {&network_.master_kme(), &network_.slave_kme()}) {
      if (auto started = kme->start(); !started) return started.error();
      if (auto ready = kme->await_ready(); !ready) return ready;
    }
    return {};
  }

  Result<void> measure(std::uint32_t size) {
    const std::uint32_t pairs = size * PairNetwork::kSlaves;
    figures_.begin(fmt::format("{} pairs", pairs));
    if (auto given = provision(pairs); !given) return given.error().within("provisioning");
    if (auto warmed = warm(); !warmed) return warmed.error().within("filling");
    if (auto master = measure_master(); !master) return master.error().within("the master's KME");
    if (auto fetched = fetch_from_each(); !fetched) return fetched.error().within("a key of each pair");
    if (auto slave = measure_slave(); !slave) return slave.error().within("the slave's KME");
    return {};
  }

  // Each master asks how each of its pairs is; then they are all filled.
  Result<void> warm() {
    const auto begun = steady_clock::now();
    auto asked = for_each_number(network_.pairs(), PairNetwork::kSlaves,
                                 [&](http::BlockingClient& client, std::uint32_t i) -> Result<void> {
                                   const auto answer = client.send(
                                       network_.master_call(PairNetwork::pair(i), etsi014::Resource::status));
                                   if (!answer) return answer.error();
                                   if (answer->status == 200) return {};
                                   return Error{ErrorKind::unavailable, std::string(answer->body.text())};
                                 });
    if (!asked) return asked;
    const std::uint64_t wanted = std::uint64_t{network_.pairs()} * kKeysPerPair;
    // Those of which a key was taken before are not filled up for it.
    const std::uint64_t enough = wanted - pairs_used_;
    while (true) {
      const auto ready = network_.ready_keys();
      if (!ready) return ready.error();
      ready_ = *ready;
      if (ready_ >= enough) break;
      if (steady_clock::now() - begun > kFillPatience)
        return Error{ErrorKind::unavailable, fmt::format("{} of {} keys are ready", *ready, wanted)};
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    const Milliseconds took = steady_clock::now() - begun;
    figures_.add("keys ready", "", static_cast<double>(ready_));
    figures_.add("from the first request until all are ready", "ms", took.count());
    return {};
  }

  Result<void> measure_process(ServedNode& kme, const std::string& who, std::int64_t empty_bytes,
                               std::uint64_t keys) {
    const auto load = kme.load_over(kIdle);
    if (!load) return load.error();
    const auto bytes = resident_bytes_of(kme.pid());
    if (!bytes) return bytes.error();
    const auto grown = static_cast<double>(*bytes - empty_bytes);
    figures_.add(who + " resident memory", "MiB", mebibytes(*bytes));
    figures_.add(who + " of it per pair", "bytes", grown / network_.pairs());
    figures_.add(who + " of it per key", "bytes", grown / static_cast<double>(keys));
    figures_.add(who + " idle, processor", "%", 100 * *load);
    return {};
  }

  Result<void> measure_master() {
    ServedNode& kme = network_.master_kme();
    if (auto process = measure_process(kme, "master:", empty_master_, ready_); !process) return process;
    http::BlockingClient client;
    std::vector<Latency> latencies;
    keys_.clear();
    for (std::uint32_t i = 0; i < settings_.requests; ++i) {
      std::this_thread::sleep_for(kBetweenRequests);
      const auto begun = steady_clock::now();
      auto keys = keys_of(client.send(network_.master_call({0, 0}, etsi014::Resource::enc_keys)), 1);
      if (i > 0) latencies.emplace_back(steady_clock::now() - begun);  // the first has the handshake
      if (!keys) return keys.error();
      keys_.push_back(std::move(*keys));
    }
    figures_.add("master: enc_keys p50", "ms", percentile(latencies, 50).count());
    figures_.add("master: enc_keys p99", "ms", percentile(latencies, 99).count());
    return restart(kme, "master:", [&] {
      return http::BlockingClient().send(network_.master_call({0, 1}, etsi014::Resource::enc_keys));
    });
  }

  Result<void> restart(ServedNode& kme, const std::string& who,
                       const std::function<Result<http::Answer>()>& first_key) {
    const auto stopped = kme.stop();
    if (!stopped) return stopped.error();
    const auto begun = steady_clock::now();
    const auto served = kme.start();
    if (!served) return served.error();
    if (auto ready = kme.await_ready(); !ready) return ready;
    const Milliseconds until_ready = steady_clock::now() - begun;
    if (auto keys = keys_of(first_key(), 1); !keys) return keys.error();
    const Milliseconds until_key = steady_clock::now() - begun;
    figures_.add(who + " start-up until it serves", "ms", Milliseconds(*served).count());
    figures_.add(who + " start-up until it is ready", "ms", until_ready.count());
    figures_.add(who + " start-up until the first key", "ms", until_key.count());
    figures_.add(who + " to stop", "ms", Milliseconds(*stopped).count());
    return {};
  }

  // A key of every pair at both ends: so the slave's KME holds the others of its bundle.
  Result<void> fetch_from_each() {
    std::vector<std::vector<etsi014::Key>> keys(network_.pairs());
    auto issued = for_each_number(network_.pairs(), PairNetwork::kSlaves,
                                  [&](http::BlockingClient& client, std::uint32_t i) -> Result<void> {
                                    const auto call = network_.master_call(PairNetwork::pair(i),
                                                                           etsi014::Resource::enc_keys);
                                    auto got = keys_of(client.send(call), 1);
                                    if (!got) return got.error();
                                    keys[i] = std::move(*got);
                                    return {};
                                  });
    if (!issued) return issued;
    // All of one slave after the other, so that it needs few connections.
    auto fetched = for_each_number(network_.pairs(), kKeysPerConnection,
                                   [&](http::BlockingClient& client, std::uint32_t i) -> Result<void> {
                                     const NumberedPair pair{i % network_.masters(), i / network_.masters()};
                                     const auto& ours = keys[PairNetwork::number(pair)];
                                     const auto theirs =
                                         keys_of(client.send(network_.slave_call(pair, ours)), 1);
                                     if (!theirs) return theirs.error();
                                     if (same_keys(ours, *theirs)) return {};
                                     return Error{ErrorKind::internal, "the two ends have different keys"};
                                   });
    if (!fetched) return fetched;
    pairs_used_ += network_.pairs();
    return {};
  }

  Result<void> measure_slave() {
    ServedNode& kme = network_.slave_kme();
    const std::uint64_t held = std::uint64_t{network_.pairs()} * (kKeysPerPair - 1);
    http::BlockingClient client;
    std::vector<Latency> latencies;
    for (std::size_t i = 0; i + 1 < keys_.size(); ++i) {
      std::this_thread::sleep_for(kBetweenRequests);
      const auto begun = steady_clock::now();
      const auto keys = keys_of(client.send(network_.slave_call({0, 0}, keys_[i])), 1);
      if (i > 0) latencies.emplace_back(steady_clock::now() - begun);
      if (!keys) return keys.error();
      if (!same_keys(*keys, keys_[i])) return Error{ErrorKind::internal, "the two ends have different keys"};
    }
    figures_.add("slave: dec_keys p50", "ms", percentile(latencies, 50).count());
    figures_.add("slave: dec_keys p99", "ms", percentile(latencies, 99).count());
    if (auto process = measure_process(kme, "slave:", empty_slave_, held); !process) return process;
    return restart(kme, "slave:", [&] {
      return http::BlockingClient().send(network_.slave_call({0, 0}, keys_.back()));
    });
  }

  const NodeSettings settings_;
  PairNetwork& network_;
  NodeFigures figures_;
  std::int64_t empty_master_ = 0;
  std::int64_t empty_slave_ = 0;
  std::uint64_t ready_ = 0;
  std::uint64_t pairs_used_ = 0;
  std::vector<std::vector<etsi014::Key>> keys_;  // of the first pair, of which the slave has not asked yet
};

}  // namespace

Result<void> run_node_kme_benchmark(const NodeSettings& settings, const std::filesystem::path& directory) {
  const auto network = PairNetwork::make(directory);
  if (!network) return network.error();
  return KmeBenchmark(settings, **network).run();
}

}  // namespace dske::bench
