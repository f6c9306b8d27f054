#include "bench/scale_benchmark.h"

#include <chrono>
#include <thread>

#include <fmt/core.h>

#include "bench/key_pair_load.h"
#include "bench/process_figures.h"
#include "manager/management_client.h"

namespace dske::bench {
namespace {

constexpr std::size_t kColdBits = 264;  // no KME keeps keys of this size ready
constexpr std::size_t kFew = 1;
constexpr std::size_t kMany = 128;
constexpr std::size_t kBundles = 300;  // of each kind
constexpr std::size_t kRequests = 5000;
constexpr double kMicrosecond = 1e-6;
constexpr double kMebibyte = 1024 * 1024;

/// CPU seconds that the processes have taken.
struct Taken {
  double initiator = 0;
  double responder = 0;
  double hubs = 0;  // all of them together
};

class CostMeasurement {
 public:
  CostMeasurement(const manager::Network& network, Encryptor master, Encryptor slave)
      : network_(network), master_(std::move(master)), slave_(std::move(slave)) {}

  Result<ScaleCosts> measure() {
    if (master_.kme.name == slave_.kme.name) return invalid("the two SAEs are at one KME");
    if (auto found = find_processes(); !found) return found.error();
    const auto few = cost_of(kFew);
    if (!few) return few.error();
    const auto many = cost_of(kMany);
    if (!many) return many.error();
    const double few_bytes = share_bytes(kFew);
    const double more_bytes = share_bytes(kMany) - few_bytes;
    const auto line = [&](double at_few, double at_many) {
      BundleCost cost;
      cost.per_byte = std::max(0.0, (at_many - at_few) / more_bytes);
      cost.per_bundle = std::max(0.0, at_few - cost.per_byte * few_bytes);
      return cost;
    };
    ScaleCosts costs;
    costs.initiator = line(few->initiator, many->initiator);
    costs.responder = line(few->responder, many->responder);
    costs.hub = line(few->hubs, many->hubs);
    const auto request = request_cost();
    if (!request) return request.error();
    costs.per_request = *request;
    return costs;
  }

 private:
  static double share_bytes(std::size_t number) {
    return kSecretTagBytes + static_cast<double>(number) * kColdBits / 8;
  }

  Result<void> find_processes() {
    for (const manager::Node& node : network_.nodes()) {
      const auto status = manager::ManagementClient(node).status();
      if (!status) return status.error();
      if (node.kind == manager::NodeKind::hub) hubs_.push_back(status->pid);
      if (node.kind != manager::NodeKind::client) continue;
      if (node.name == master_.kme.name) initiator_ = status->pid;
      if (node.name == slave_.kme.name) responder_ = status->pid;
    }
    return {};
  }

  [[nodiscard]] Taken taken() const {
    Taken sum{cpu_seconds_of(initiator_), cpu_seconds_of(responder_), 0};
    for (const std::int64_t pid : hubs_) sum.hubs += cpu_seconds_of(pid);
    return sum;
  }

  // Of one bundle of `number` keys: at the initiator and the responder without what requests cost, and at one
  // hub.
  Result<Taken> cost_of(std::size_t number) {
    const KeyLoad load{4, number, kColdBits};
    auto pair = KeyPairLoad::at_kmes(master_, slave_, load);
    if (!pair) return pair.error();
    const auto server = start_ceiling(network_, master_, load);
    if (!server) return server.error();
    auto ceiling = KeyPairLoad::at_ceiling(**server, master_, slave_, load);
    if (!ceiling) return ceiling.error();
    const double server_before = cpu_seconds_of((*server)->pid());
    const auto constant = ceiling->enc_keys(kBundles);
    if (!constant) return constant.error();
    const double per_request =
        (cpu_seconds_of((*server)->pid()) - server_before) / static_cast<double>(kBundles);

    const Taken before = taken();
    const auto enc = pair->enc_keys(kBundles);
    if (!enc) return enc.error();
    const auto dec = pair->dec_keys(enc->bodies);
    if (!dec) return dec.error();
    if (auto same = check_same_keys(enc->bodies, dec->bodies); !same) return same.error();
    // Confirmations are gathered for a moment before they are sent.
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    const Taken after = taken();
    const auto per_bundle = [](double seconds) { return seconds / static_cast<double>(kBundles); };
    return Taken{std::max(0.0, per_bundle(after.initiator - before.initiator) - per_request),
                 std::max(0.0, per_bundle(after.responder - before.responder) - per_request),
                 per_bundle(after.hubs - before.hubs) / static_cast<double>(hubs_.size())};
  }

  // Of one request of one key that is answered at once.
  [[nodiscard]] Result<double> request_cost() {
    const KeyLoad load{4, 1, 0};
    const auto server = start_ceiling(network_, master_, load);
    if (!server) return server.error();
    auto ceiling = KeyPairLoad::at_ceiling(**server, master_, slave_, load);
    if (!ceiling) return ceiling.error();
    const double before = cpu_seconds_of((*server)->pid());
    const auto burst = ceiling->enc_keys(kRequests);
    if (!burst) return burst.error();
    return (cpu_seconds_of((*server)->pid()) - before) / static_cast<double>(kRequests);
  }

  const manager::Network& network_;
  const Encryptor master_;
  const Encryptor slave_;
  std::vector<std::int64_t> hubs_;
  std::int64_t initiator_ = 0;
  std::int64_t responder_ = 0;
};

void print_costs(const ScaleCosts& costs, bool is_measured) {
  const auto line = [](const char* what, const BundleCost& cost) {
    fmt::print("  {:<30} {:8.1f} us and {:6.2f} ns per byte of the share\n", what,
               cost.per_bundle / kMicrosecond, cost.per_byte * 1e9);
  };
  fmt::print("CPU time, {}:\n",
             is_measured ? "measured on the topology in this run" : "as given, not measured");
  line("bundle at its initiator", costs.initiator);
  line("bundle at one hub", costs.hub);
  line("bundle at its responder", costs.responder);
  fmt::print("  {:<30} {:8.1f} us\n", "request answered at once", costs.per_request / kMicrosecond);
}

void print_assumptions(const ScaleNetwork& network) {
  fmt::print(
      "Assumed: {} clients, each master in {} pairs and slave in as many; {} keys per pair and hour of {} "
      "bits;\n"
      "  bundles of {} keys over {} hubs each; {} keys per request; {} ready keys per pair; clients spread "
      "evenly;\n"
      "  {} cores per node, costs add up; a bundle waits {} s at a hub; {:.0f} bundles per confirmation;\n"
      "  {:.0f} bytes beside a waiting share, {:.0f} beside a stored key. A request costs what the constant "
      "server's\n"
      "  does: the HTTP and TLS part of it.\n",
      network.clients, network.pairs_per_client, network.keys_per_pair_and_hour, 8 * network.key_bytes,
      network.keys_per_bundle, network.shares, network.keys_per_request, network.stored_keys_per_pair,
      network.cores, network.waiting_seconds, kBundlesPerConfirmation, kWaitingOverheadBytes,
      kStoredKeyOverheadBytes);
}

void print_loads(const ScaleNetwork& network, const ScaleCosts& costs) {
  const ScaleLoad first = load_of(network, network.shares, costs);
  fmt::print(
      "All together: {:.1f} keys/s, {:.2f} bundles/s, shares of {:.0f} bytes. A KME takes {:.3g} % of its "
      "cores,\n"
      "  is full at {:.0f} keys/s of the network, and stores {:.3f} MiB.\n"
      "PSRD per key and hub: {:.2f} bytes sent by the master's KME, {:.2f} received by the slave's; lower "
      "bound {}.\n",
      first.keys_per_second, first.bundles_per_second, first.share_bytes, 100 * first.kme_utilisation,
      first.keys_per_second_until_kme_is_full, first.kme_store_bytes / kMebibyte, first.psrd_sent_per_key,
      first.psrd_received_per_key, network.key_bytes);
  fmt::print("{:>6} {:>14} {:>14} {:>18} {:>24} {:>14}\n", "hubs", "bundles/s, hub", "load of a hub",
             "full at keys/s", "PSRD/day, client and hub", "store of a hub");
  constexpr std::uint64_t kDoublings = 7;
  for (std::uint64_t i = 0; i < kDoublings; ++i) {
    const std::uint64_t hubs = network.shares << i;
    const ScaleLoad load = load_of(network, hubs, costs);
    fmt::print("{:>6} {:>14.2f} {:>12.3g} % {:>18.0f} {:>20.3g} MiB {:>10.3g} MiB\n", hubs,
               load.hub_bundles_per_second, 100 * load.hub_utilisation,
               load.keys_per_second_until_hub_is_full, load.psrd_per_day_client_and_hub / kMebibyte,
               load.hub_store_bytes / kMebibyte);
  }
}

}  // namespace

Result<void> run_scale_benchmark(const ScaleSettings& settings) {
  ScaleCosts costs = settings.costs;
  const bool is_measured = !settings.topology_file.empty();
  if (is_measured) {
    const auto network = open_network(settings.topology_file);
    if (!network) return network.error();
    auto master = find_encryptor(*network, settings.master_sae);
    if (!master) return master.error();
    auto slave = find_encryptor(*network, settings.slave_sae);
    if (!slave) return slave.error();
    const auto measured = CostMeasurement(*network, std::move(*master), std::move(*slave)).measure();
    if (!measured) return measured.error();
    costs = *measured;
  }
  print_assumptions(settings.network);
  print_costs(costs, is_measured);
  print_loads(settings.network, costs);
  return {};
}

}  // namespace dske::bench
