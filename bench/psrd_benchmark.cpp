#include "bench/psrd_benchmark.h"

#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "bench/encryptor.h"
#include "etsi014/sae_path.h"
#include "manager/management_client.h"

namespace dske::bench {
namespace {

// Bytes of each zone, left or used.
struct Zones {
  std::int64_t client_authenticator = 0;
  std::int64_t client_pad = 0;
  std::int64_t hub_authenticator = 0;
  std::int64_t hub_pad = 0;

  [[nodiscard]] std::int64_t sum() const {
    return client_authenticator + client_pad + hub_authenticator + hub_pad;
  }
  bool operator==(const Zones&) const = default;
};

Zones operator-(const Zones& a, const Zones& b) {
  return {a.client_authenticator - b.client_authenticator, a.client_pad - b.client_pad,
          a.hub_authenticator - b.hub_authenticator, a.hub_pad - b.hub_pad};
}

// What one end of a link tells of it: of (KME, hub).
using Links = std::map<std::pair<std::string, std::string>, Zones>;
struct Seen {
  Links by_kmes;
  Links by_hubs;
  bool operator==(const Seen&) const = default;
};

Zones left_of(const manager::PsrdLevel& psrd) {
  return {psrd.client_authenticator.left_bytes, psrd.client_pad.left_bytes, psrd.hub_authenticator.left_bytes,
          psrd.hub_pad.left_bytes};
}

// What is left now between these KMEs and their hubs.
Result<Seen> look(const manager::Network& network, const std::vector<manager::Node>& kmes) {
  Seen seen;
  for (const manager::Node& kme : kmes) {
    const auto status = manager::ManagementClient(kme).status();
    if (!status) return status.error();
    for (const manager::PeerStatus& hub : status->peers)
      seen.by_kmes[{kme.name, hub.name}] = left_of(hub.psrd);
  }
  for (const manager::Node& node : network.nodes()) {
    if (node.kind != manager::NodeKind::hub) continue;
    const auto status = manager::ManagementClient(node).status();
    if (!status) return status.error();
    for (const manager::PeerStatus& client : status->peers) {
      if (seen.by_kmes.contains({client.name, node.name}))
        seen.by_hubs[{client.name, node.name}] = left_of(client.psrd);
    }
  }
  return seen;
}

// What is left once nothing is under way any more: confirmations are gathered for a moment before they are
// sent, and are repeated where no answer came.
Result<Seen> look_when_quiet(const manager::Network& network, const std::vector<manager::Node>& kmes) {
  constexpr std::chrono::milliseconds kQuiet{500};
  constexpr int kLooksMost = 40;
  auto seen = look(network, kmes);
  for (int i = 0; i < kLooksMost; ++i) {
    std::this_thread::sleep_for(kQuiet);
    auto again = look(network, kmes);
    if (!again || (seen && *seen == *again)) return again;
    seen = std::move(again);
  }
  return seen;
}

Links used(const Links& before, const Links& after) {
  Links difference;
  for (const auto& [link, left] : before) {
    const auto now = after.find(link);
    if (now != after.end()) difference[link] = left - now->second;
  }
  return difference;
}

Result<void> fetch_bundle(const Encryptor& master, const Encryptor& slave, std::uint32_t number) {
  http::BlockingClient client;
  const std::string enc_target =
      etsi014::sae_path(slave.sae, etsi014::Resource::enc_keys) + "?number=" + std::to_string(number);
  const auto keys = keys_of(client.send(master.call("GET", enc_target)), number);
  if (!keys) return keys.error().within("enc_keys");
  http::Call call = slave.call("POST", etsi014::sae_path(master.sae, etsi014::Resource::dec_keys));
  call.content_type = "application/json";
  call.body = key_ids_body(*keys);
  http::BlockingClient other;
  const auto same = keys_of(other.send(call), number);
  if (!same) return same.error().within("dec_keys");
  if (!same_keys(*keys, *same)) return Error{ErrorKind::corrupt, "the keys at the two ends differ"};
  return {};
}

void print_links(const Links& links, double keys, double key_bytes, const std::string& master) {
  fmt::print("{:<32}  {:>10}  {:>10}  {:>10}  {:>10}  {:>8}  {:>6}\n", "bytes per key between", "auth. sent",
             "pad sent", "auth. rcvd", "pad rcvd", "in all", "ratio");
  for (const auto& [link, zones] : links) {
    const bool sends = link.first == master;
    // A master sends shares, a slave receives them; the other direction needs none.
    const double share_bytes = static_cast<double>(sends ? zones.client_authenticator + zones.client_pad
                                                         : zones.hub_authenticator + zones.hub_pad);
    fmt::print("{:<32}  {:10.2f}  {:10.2f}  {:10.2f}  {:10.2f}  {:8.2f}  {:6.3f}\n",
               fmt::format("{} {} and hub {}", sends ? "master" : "slave", link.first, link.second),
               static_cast<double>(zones.client_authenticator) / keys,
               static_cast<double>(zones.client_pad) / keys,
               static_cast<double>(zones.hub_authenticator) / keys, static_cast<double>(zones.hub_pad) / keys,
               static_cast<double>(zones.sum()) / keys, share_bytes / keys / key_bytes);
  }
}

}  // namespace

Result<void> run_psrd_benchmark(const PsrdSettings& settings) {
  const auto network = open_network(settings.topology_file);
  if (!network) return network.error();
  const auto master = find_encryptor(*network, settings.master_sae);
  if (!master) return master.error();
  const auto slave = find_encryptor(*network, settings.slave_sae);
  if (!slave) return slave.error();
  if (master->kme.name == slave->kme.name) return invalid("the two SAEs are at one KME");
  const std::vector<manager::Node> kmes{master->kme, slave->kme};

  // One bundle before, so that what is asked once in ten minutes is not counted.
  if (auto first = fetch_bundle(*master, *slave, 1); !first) return first;
  const auto before = look_when_quiet(*network, kmes);
  if (!before) return before.error();
  for (std::uint32_t i = 0; i < settings.requests; ++i) {
    if (auto done = fetch_bundle(*master, *slave, settings.number); !done) return done;
  }
  const auto after = look_when_quiet(*network, kmes);
  if (!after) return after.error();

  const Links by_kmes = used(before->by_kmes, after->by_kmes);
  const Links by_hubs = used(before->by_hubs, after->by_hubs);
  const double keys = static_cast<double>(settings.requests) * settings.number;
  const double key_bytes = static_cast<double>(network->topology().key_size_bits) / 8;
  const std::size_t hubs = by_kmes.size() / kmes.size();
  fmt::print("{} bundles of {} keys of {:.0f} bits over {} hubs\n", settings.requests, settings.number,
             8 * key_bytes, hubs);
  print_links(by_kmes, keys, key_bytes, master->kme.name);
  std::int64_t sum = 0;
  for (const auto& [link, zones] : by_kmes) sum += zones.sum();
  const double bound = 2 * key_bytes * static_cast<double>(hubs);
  fmt::print(
      "{:.2f} bytes per key in all; lower bound {:.0f} ({:.0f} each way with each hub); ratio {:.3f}\n",
      static_cast<double>(sum) / keys, bound, key_bytes, static_cast<double>(sum) / keys / bound);
  if (by_kmes != by_hubs) return Error{ErrorKind::corrupt, "KMEs and hubs tell different levels"};
  fmt::print("the hubs tell the same levels\n");
  return {};
}

}  // namespace dske::bench
