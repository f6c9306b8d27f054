#include "bench/soak_benchmark.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <fmt/ostream.h>

#include "base/mutex.h"
#include "bench/encryptor.h"
#include "bench/growth.h"
#include "bench/process_figures.h"
#include "bench/psrd_supply.h"
#include "etsi014/sae_path.h"
#include "manager/management_client.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

constexpr unsigned kFailuresMost = 20;    // then it gives up
constexpr double kWarmUpFraction = 0.25;  // of the pairs; caches fill and pools reach their size
/// Fewer pairs than this after the warm-up say nothing of growth: PSRD comes and goes in blocks.
constexpr std::uint64_t kPairsToJudge = 100000;

/// Fetches pairs over many connections at once until their number is reached or too many failed.
class Exchange {
 public:
  Exchange(const SoakSettings& settings, const Encryptor& master, const Encryptor& slave)
      : settings_(settings),
        master_(master),
        slave_(slave),
        enc_target_(etsi014::sae_path(slave.sae, etsi014::Resource::enc_keys) +
                    "?number=" + std::to_string(settings.number)),
        dec_target_(etsi014::sae_path(master.sae, etsi014::Resource::dec_keys)) {
    running_ = settings.connections;
    for (unsigned i = 0; i < settings.connections; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Exchange() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] bool running() const { return running_ > 0; }
  [[nodiscard]] unsigned failures() const { return failures_; }
  [[nodiscard]] std::string first_error() const {
    const MutexLock lock(mutex_);
    return first_error_;
  }

 private:
  void work() {
    http::BlockingClient at_master;
    http::BlockingClient at_slave;
    while (!stop_ && failures_ < kFailuresMost && begun_++ < settings_.pairs) {
      if (const auto exchanged = exchange(at_master, at_slave); exchanged) {
        ++done_;
      } else {
        ++failures_;
        const MutexLock lock(mutex_);
        if (first_error_.empty()) first_error_ = exchanged.error().message;
      }
    }
    --running_;
  }

  Result<void> exchange(http::BlockingClient& at_master, http::BlockingClient& at_slave) const {
    const auto sent = keys_of(at_master.send(master_.call("GET", enc_target_)), settings_.number);
    if (!sent) return sent.error().within("enc_keys");
    http::Call call = slave_.call("POST", dec_target_);
    call.content_type = "application/json";
    call.body = key_ids_body(*sent);
    const auto received = keys_of(at_slave.send(call), settings_.number);
    if (!received) return received.error().within("dec_keys");
    if (!same_keys(*sent, *received)) return Error{ErrorKind::corrupt, "the keys at the two ends differ"};
    return {};
  }

  const SoakSettings& settings_;
  const Encryptor& master_;
  const Encryptor& slave_;
  const std::string enc_target_;
  const std::string dec_target_;
  std::atomic<std::uint64_t> begun_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<unsigned> running_ = 0;
  std::atomic<unsigned> failures_ = 0;
  std::atomic<bool> stop_ = false;
  mutable Mutex mutex_;
  std::string first_error_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

/// A node's process and what was seen of it.
struct Watched {
  manager::Node node;
  std::unique_ptr<manager::ManagementClient> management;
  std::int64_t pid = 0;
  std::vector<std::uint64_t> pairs;  // done at each sample
  std::vector<ProcessFigures> samples;
  std::vector<std::int64_t> psrd;  // bytes not spent at each sample, which the node keeps in memory
};

std::int64_t unspent_psrd(const manager::NodeStatus& status) {
  std::int64_t bytes = 0;
  for (const manager::PeerStatus& peer : status.peers) {
    const manager::PsrdLevel& level = peer.psrd;
    bytes += level.client_authenticator.left_bytes + level.client_pad.left_bytes +
             level.hub_authenticator.left_bytes + level.hub_pad.left_bytes;
  }
  return bytes;
}

Result<std::vector<Watched>> nodes_to_watch(const manager::Network& network) {
  std::vector<Watched> nodes;
  for (const manager::Node& node : network.nodes()) {
    auto management = std::make_unique<manager::ManagementClient>(node);
    const auto status = management->status();
    if (!status) return status.error().within(node.title());
    nodes.push_back({node, std::move(management), status->pid, {}, {}, {}});
  }
  return nodes;
}

void print_heading(const std::vector<Watched>& nodes) {
  fmt::print("resident memory and PSRD not spent in MiB, and descriptors, of\n{:>6} {:>9} {:>7}", "s",
             "pairs", "pairs/s");
  for (const Watched& watched : nodes) fmt::print(" {:>14}", watched.node.name);
  fmt::print("\n");
}

Result<void> take_sample(std::vector<Watched>& nodes, std::uint64_t pairs, double seconds,
                         std::ostream& file) {
  for (Watched& watched : nodes) {
    const auto status = watched.management->status();
    if (!status) return status.error().within(watched.node.title());
    if (status->pid != watched.pid)
      return Error{ErrorKind::unavailable, watched.node.title() + " was started again meanwhile"};
    auto figures = figures_of(watched.pid);
    if (!figures) return figures.error().within(watched.node.title());
    const std::int64_t psrd = unspent_psrd(*status);
    fmt::print(" {:>14}", fmt::format("{:.1f}/{:.1f}/{}", mebibytes(figures->resident_bytes), mebibytes(psrd),
                                      figures->descriptors));
    fmt::print(file, "{:.1f},{},{},{},{},{},{},{}\n", seconds, pairs, watched.node.title(),
               figures->resident_bytes, figures->proportional_bytes, psrd, figures->descriptors,
               figures->threads);
    watched.psrd.push_back(psrd);
    watched.pairs.push_back(pairs);
    watched.samples.push_back(*figures);
  }
  fmt::print("\n");
  static_cast<void>(std::fflush(stdout));
  return {};
}

/// What a node's process grows by, per million pairs.
struct Growth {
  double resident = 0;     // MiB
  double psrd = 0;         // MiB
  double beside_psrd = 0;  // MiB: RSS without the PSRD that is not spent
  double descriptors = 0;
  double threads = 0;
};

Growth growth_of(const Watched& watched, std::uint64_t warm_up_pairs) {
  const auto fit = [&](const auto& value_of) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < watched.samples.size(); ++i) {
      if (watched.pairs[i] >= warm_up_pairs)
        points.push_back({static_cast<double>(watched.pairs[i]) / 1e6, value_of(i)});
    }
    return slope(points);
  };
  const auto resident = [&](std::size_t i) { return mebibytes(watched.samples[i].resident_bytes); };
  const auto psrd = [&](std::size_t i) { return mebibytes(watched.psrd[i]); };
  const auto descriptors = [&](std::size_t i) { return static_cast<double>(watched.samples[i].descriptors); };
  const auto threads = [&](std::size_t i) { return static_cast<double>(watched.samples[i].threads); };
  return {fit(resident), fit(psrd), fit([&](std::size_t i) { return resident(i) - psrd(i); }),
          fit(descriptors), fit(threads)};
}

// Prints every node's growth; the names of those that grow too much.
std::string judge(const std::vector<Watched>& nodes, const SoakSettings& settings, std::uint64_t pairs) {
  const auto warm_up = static_cast<std::uint64_t>(kWarmUpFraction * static_cast<double>(pairs));
  fmt::print(
      "\nafter the first {} pairs, per million pairs by a fitted line; tolerated: {} MiB beside PSRD that is "
      "not spent, {} descriptors\n",
      warm_up, settings.tolerance_mebibytes, settings.tolerance_descriptors);
  fmt::print("{:<16} {:>9} {:>9} {:>9} {:>9}   {:>9} {:>9} {:>9} {:>9} {:>9}\n", "node, MiB", "RSS first",
             "last", "most", "PSS last", "RSS", "PSRD", "beside", "descr.", "threads");
  std::string too_much;
  for (const Watched& watched : nodes) {
    const Growth growth = growth_of(watched, warm_up);
    std::int64_t most = 0;
    for (const ProcessFigures& figures : watched.samples) most = std::max(most, figures.resident_bytes);
    fmt::print(
        "{:<16} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f}   {:>+9.1f} {:>+9.1f} {:>+9.1f} {:>+9.1f} {:>+9.1f}\n",
        watched.node.title(), mebibytes(watched.samples.front().resident_bytes),
        mebibytes(watched.samples.back().resident_bytes), mebibytes(most),
        mebibytes(watched.samples.back().proportional_bytes), growth.resident, growth.psrd,
        growth.beside_psrd, growth.descriptors, growth.threads);
    const bool memory_grows = growth.beside_psrd > settings.tolerance_mebibytes;
    const bool descriptors_grow = growth.descriptors > settings.tolerance_descriptors;
    if (memory_grows || descriptors_grow) too_much += (too_much.empty() ? "" : ", ") + watched.node.title();
  }
  if (pairs - std::min(warm_up, pairs) >= kPairsToJudge) return too_much;
  fmt::print("fewer than {} pairs after the warm-up: too few to judge growth\n", kPairsToJudge);
  return {};
}

}  // namespace

Result<void> run_soak_benchmark(const SoakSettings& settings) {
  const auto network = open_network(settings.topology_file);
  if (!network) return network.error();
  const auto master = find_encryptor(*network, settings.master_sae);
  if (!master) return master.error();
  const auto slave = find_encryptor(*network, settings.slave_sae);
  if (!slave) return slave.error();
  auto nodes = nodes_to_watch(*network);
  if (!nodes) return nodes.error();
  std::ofstream file;
  if (!settings.samples_file.empty()) {
    file.open(settings.samples_file);
    if (!file) return Error{ErrorKind::io, "cannot write " + settings.samples_file};
    file << "seconds,pairs,node,resident_bytes,proportional_bytes,unspent_psrd_bytes,descriptors,threads\n";
  }
  auto supply = PsrdSupply::start(*network, {master->kme, slave->kme}, settings.block_bytes);
  if (!supply) return supply.error();

  print_heading(*nodes);
  const auto begun = steady_clock::now();
  double seconds_before = 0;
  std::uint64_t pairs_before = 0;
  Exchange exchange(settings, *master, *slave);
  for (auto next = begun;; next += std::chrono::seconds(settings.seconds_between_samples)) {
    while (exchange.running() && steady_clock::now() < next)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const bool finished = !exchange.running();
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
    const std::uint64_t pairs = exchange.done();
    const double rate =
        seconds > seconds_before ? static_cast<double>(pairs - pairs_before) / (seconds - seconds_before) : 0;
    fmt::print("{:>6.0f} {:>9} {:>7.0f}", seconds, pairs, rate);
    if (auto sampled = take_sample(*nodes, pairs, seconds, file); !sampled) return sampled;
    seconds_before = seconds;
    pairs_before = pairs;
    if (finished) break;
  }
  fmt::print("{} pairs of {} keys in {:.0f} s ({:.0f} pairs/s), {} PSRD blocks provisioned meanwhile\n",
             exchange.done(), settings.number, seconds_before,
             static_cast<double>(exchange.done()) / std::max(seconds_before, 0.001), (*supply)->blocks());
  const std::string too_much = judge(*nodes, settings, exchange.done());
  if (exchange.failures() > 0)
    return Error{
        ErrorKind::unavailable,
        fmt::format("{} pairs failed, the first: {}{}", exchange.failures(), exchange.first_error(),
                    (*supply)->first_error().empty() ? "" : "; provisioning: " + (*supply)->first_error())};
  if (!too_much.empty()) return Error{ErrorKind::exhausted, "growing beyond the tolerance: " + too_much};
  fmt::print("all keys equal at both ends\n");
  return {};
}

}  // namespace dske::bench
