#include "bench/keys_benchmark.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include "bench/encryptor.h"
#include "bench/latency.h"
#include "dske/one_time_mac.h"
#include "dske/secret_tag.h"
#include "etsi014/sae_path.h"
#include "manager/management_client.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

// What one phase measured.
struct Phase {
  std::vector<Latency> latencies;
  std::chrono::duration<double> duration{0};
  std::string first_error;
};

// Makes `count` calls over `connections` threads; `call` gets the call's number and answers an error text or
// nothing.
Phase run_phase(const Encryptor& encryptor, unsigned connections, std::uint32_t count,
                const std::function<std::string(http::BlockingClient&, std::uint32_t)>& call) {
  Phase phase;
  std::vector<std::vector<Latency>> latencies(connections);
  std::vector<std::string> errors(connections);
  std::atomic<std::uint32_t> next = 0;
  std::atomic<unsigned> connected = 0;
  std::vector<std::thread> threads;
  std::atomic<bool> go = false;
  for (unsigned i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] {
      http::BlockingClient client;
      // The handshake is not measured: a persistent connection has it behind it.
      if (const auto answer = client.send(encryptor.call("GET", "/openapi/index.json")); !answer)
        errors[i] = answer.error().message;
      ++connected;
      while (!go) std::this_thread::yield();
      while (errors[i].empty()) {
        const std::uint32_t number = next++;
        if (number >= count) break;
        const auto begun = steady_clock::now();
        errors[i] = call(client, number);
        latencies[i].push_back(steady_clock::now() - begun);
      }
    });
  }
  while (connected < connections) std::this_thread::yield();
  const auto begun = steady_clock::now();
  go = true;
  for (std::thread& thread : threads) thread.join();
  phase.duration = steady_clock::now() - begun;
  for (unsigned i = 0; i < connections; ++i) {
    phase.latencies.insert(phase.latencies.end(), latencies[i].begin(), latencies[i].end());
    if (phase.first_error.empty()) phase.first_error = errors[i];
  }
  return phase;
}

void print_phase(const char* name, const Phase& phase, std::uint32_t keys_per_call) {
  const double calls = static_cast<double>(phase.latencies.size());
  fmt::print("{:<9} {:8.0f} keys/s  {:8.0f} calls/s  p50 {:7.2f} ms  p99 {:7.2f} ms\n", name,
             calls * keys_per_call / phase.duration.count(), calls / phase.duration.count(),
             percentile(phase.latencies, 50).count(), percentile(phase.latencies, 99).count());
}

// PSRD left of one KME, by hub.
using Levels = std::map<std::string, manager::PsrdLevel>;

Result<Levels> levels_of(const Encryptor& encryptor) {
  manager::ManagementClient management(encryptor.kme);
  auto status = management.status();
  if (!status) return status.error();
  Levels levels;
  for (const manager::PeerStatus& hub : status->peers) levels[hub.name] = hub.psrd;
  return levels;
}

// What a phase needs of every zone, with a margin for registrations, look-ups and repetitions.
std::int64_t with_margin(std::int64_t bytes) {
  return bytes + bytes / 10 + 4096;
}

Result<void> check_enough(const KeysSettings& settings, const Encryptor& encryptor, const Levels& levels,
                          bool is_master, std::int64_t pad_bytes) {
  const std::int64_t authenticator =
      with_margin(std::int64_t{settings.requests} * 2 * static_cast<std::int64_t>(kOneTimeMacKeySize));
  const std::int64_t pad = with_margin(settings.requests * pad_bytes);
  for (const auto& [hub, level] : levels) {
    const bool enough = level.client_authenticator.left_bytes >= authenticator &&
                        level.hub_authenticator.left_bytes >= authenticator &&
                        (is_master ? level.client_pad : level.hub_pad).left_bytes >= pad;
    if (enough) continue;
    const std::int64_t half = std::max(4 * authenticator, 4 * pad / 3) / 4096 * 4096 + 4096;
    return Error{
        ErrorKind::exhausted,
        fmt::format(
            "not enough PSRD is left between {} and hub {}; provision first: dske-manager {} provision "
            "client/{} --client-bytes {} --hub-bytes {}",
            encryptor.kme.name, hub, settings.topology_file, encryptor.kme.name, half, half)};
  }
  return {};
}

void print_psrd(const char* who, const Levels& before, const Levels& after, double keys, double key_bytes) {
  double client_half = 0;
  double hub_half = 0;
  for (const auto& [hub, then] : before) {
    const auto now = after.find(hub);
    if (now == after.end()) continue;
    const auto used = [](const manager::ZoneLevel& a, const manager::ZoneLevel& b) {
      return static_cast<double>(a.left_bytes - b.left_bytes);
    };
    client_half += used(then.client_authenticator, now->second.client_authenticator) +
                   used(then.client_pad, now->second.client_pad);
    hub_half +=
        used(then.hub_authenticator, now->second.hub_authenticator) + used(then.hub_pad, now->second.hub_pad);
  }
  const double hubs = static_cast<double>(before.size());
  fmt::print(
      "PSRD at the {:<7} {:7.1f} bytes sent and {:6.1f} received per key and hub; lower bound {:.0f} {}\n",
      who, client_half / keys / hubs, hub_half / keys / hubs, key_bytes,
      std::string_view(who) == "master" ? "sent" : "received");
}

}  // namespace

Result<void> run_keys_benchmark(const KeysSettings& settings) {
  const auto network = open_network(settings.topology_file);
  if (!network) return network.error();
  const auto master = find_encryptor(*network, settings.master_sae);
  if (!master) return master.error();
  const auto slave = find_encryptor(*network, settings.slave_sae);
  if (!slave) return slave.error();

  const auto master_before = levels_of(*master);
  if (!master_before) return master_before.error();
  const auto slave_before = levels_of(*slave);
  if (!slave_before) return slave_before.error();
  const std::int64_t key_bytes = network->topology().key_size_bits / 8;
  const std::int64_t share_bytes =
      static_cast<std::int64_t>(kSecretTagRandomSize) + settings.number * key_bytes;
  if (auto enough = check_enough(settings, *master, *master_before, true, share_bytes); !enough)
    return enough;
  if (auto enough = check_enough(settings, *slave, *slave_before, false, share_bytes); !enough) return enough;

  fmt::print("{} hubs, {} connections, {} calls of {} keys of {} bits each way, on demand\n",
             master_before->size(), settings.connections, settings.requests, settings.number, 8 * key_bytes);
  std::vector<std::vector<etsi014::Key>> keys(settings.requests);
  const std::string enc_target = etsi014::sae_path(slave->sae, etsi014::Resource::enc_keys) +
                                 "?number=" + std::to_string(settings.number);
  const Phase enc = run_phase(*master, settings.connections, settings.requests,
                              [&](http::BlockingClient& client, std::uint32_t number) -> std::string {
                                auto got =
                                    keys_of(client.send(master->call("GET", enc_target)), settings.number);
                                if (!got) return got.error().message;
                                keys[number] = std::move(*got);
                                return {};
                              });
  print_phase("enc_keys", enc, settings.number);
  if (!enc.first_error.empty()) return Error{ErrorKind::unavailable, "enc_keys: " + enc.first_error};

  const std::string dec_target = etsi014::sae_path(master->sae, etsi014::Resource::dec_keys);
  const Phase dec = run_phase(*slave, settings.connections, settings.requests,
                              [&](http::BlockingClient& client, std::uint32_t number) -> std::string {
                                http::Call call = slave->call("POST", dec_target);
                                call.content_type = "application/json";
                                call.body = key_ids_body(keys[number]);
                                const auto got = keys_of(client.send(call), settings.number);
                                if (!got) return got.error().message;
                                if (!same_keys(*got, keys[number])) return "the keys at the two ends differ";
                                return {};
                              });
  print_phase("dec_keys", dec, settings.number);
  if (!dec.first_error.empty()) return Error{ErrorKind::unavailable, "dec_keys: " + dec.first_error};

  // Confirmations are gathered for a moment before they are sent.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto master_after = levels_of(*master);
  if (!master_after) return master_after.error();
  const auto slave_after = levels_of(*slave);
  if (!slave_after) return slave_after.error();
  const double key_count = static_cast<double>(settings.requests) * settings.number;
  print_psrd("master", *master_before, *master_after, key_count, static_cast<double>(key_bytes));
  print_psrd("slave", *slave_before, *slave_after, key_count, static_cast<double>(key_bytes));
  const double pair_seconds = enc.duration.count() + dec.duration.count();
  fmt::print("all keys equal at both ends; {:.0f} key pairs/s (enc_keys and dec_keys one after the other)\n",
             key_count / pair_seconds);
  return {};
}

}  // namespace dske::bench
