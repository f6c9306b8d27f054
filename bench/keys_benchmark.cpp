#include "bench/keys_benchmark.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/core.h>

#include "bench/figures.h"
#include "bench/key_pair_load.h"
#include "etsi014/reader.h"
#include "etsi014/sae_path.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto kNoMoreComes =
    std::chrono::seconds(3);  // a level that has not grown for so long is the highest
constexpr auto kFetchAhead = std::chrono::milliseconds(1000);  // for the slave's KME to have what was issued

// The bursts of one round at one pair of servers.
struct RoundBursts {
  Burst enc;
  Burst dec;
};

void append(Burst& whole, Burst part) {
  whole.latencies.insert(whole.latencies.end(), part.latencies.begin(), part.latencies.end());
  std::move(part.bodies.begin(), part.bodies.end(), std::back_inserter(whole.bodies));
  whole.seconds += part.seconds;
  whole.generator_seconds += part.generator_seconds;
}

// enc_keys of all, then after `pause` dec_keys of all.
Result<RoundBursts> run_bursts(KeyPairLoad& load, std::size_t requests, std::chrono::milliseconds pause) {
  auto enc = load.enc_keys(requests);
  if (!enc) return enc.error();
  std::this_thread::sleep_for(pause);
  auto dec = load.dec_keys(enc->bodies);
  if (!dec) return dec.error();
  return RoundBursts{std::move(*enc), std::move(*dec)};
}

// Waves of as many requests as there are connections, each asked for at the slave's as soon as it is there.
Result<RoundBursts> run_waves(KeyPairLoad& load, std::size_t requests, std::size_t connections) {
  RoundBursts round;
  for (std::size_t done = 0; done < requests; done += connections) {
    auto wave = run_bursts(load, std::min(connections, requests - done), std::chrono::milliseconds(0));
    if (!wave) return wave.error();
    append(round.enc, std::move(wave->enc));
    append(round.dec, std::move(wave->dec));
  }
  return round;
}

KeysSettings with_defaults(KeysSettings settings) {
  constexpr std::uint32_t kWarm = 20000;
  constexpr std::uint32_t kCold = 500;
  if (settings.requests == 0) settings.requests = settings.is_cold ? kCold : kWarm;
  return settings;
}

class KeysBenchmark {
 public:
  KeysBenchmark(const KeysSettings& settings, Encryptor master, Encryptor slave)
      : settings_(with_defaults(settings)), master_(std::move(master)), slave_(std::move(slave)) {}

  Result<void> run(const manager::Network& network) {
    const KeyLoad load{settings_.connections, settings_.number, settings_.is_cold ? settings_.cold_bits : 0};
    const auto server = start_ceiling(network, master_, load);
    if (!server) return server.error();
    auto ceiling = KeyPairLoad::at_ceiling(**server, master_, slave_, load);
    if (!ceiling) return ceiling.error();
    auto kmes = KeyPairLoad::at_kmes(master_, slave_, load);
    if (!kmes) return kmes.error();

    fmt::print("{} keys, {} connections, {} per request, {} rounds of up to {} requests each way\n",
               settings_.is_cold ? "cold" : "warm", settings_.connections, settings_.number, settings_.rounds,
               settings_.requests);
    for (std::uint32_t round = 0; round < settings_.rounds; ++round) {
      if (auto done = run_round(*ceiling, *kmes); !done) return done;
    }
    print();
    return {};
  }

 private:
  Result<void> run_round(KeyPairLoad& ceiling, KeyPairLoad& kmes) {
    std::size_t requests = settings_.requests;
    if (!settings_.is_cold) {
      const auto ready = wait_until_warm();
      if (!ready) return ready.error();
      const std::size_t served = *ready / settings_.number;
      if (served == 0) ++rounds_on_demand_;
      if (served > 0) requests = std::min(requests, served);
      least_requests_ = std::min(least_requests_, requests);
    }
    const auto run = [&](KeyPairLoad& load, std::chrono::milliseconds pause) {
      return settings_.is_cold ? run_waves(load, requests, settings_.connections)
                               : run_bursts(load, requests, pause);
    };
    const auto above = run(ceiling, std::chrono::milliseconds(0));
    if (!above) return above.error();
    const auto measured = run(kmes, kFetchAhead);
    if (!measured) return measured.error();
    if (auto same = check_same_keys(measured->enc.bodies, measured->dec.bodies); !same) return same;
    note(*above, ceiling_);
    note(*measured, measured_);
    generator_share_.push_back(ratio(above->enc.generator_seconds, above->enc.seconds));
    return {};
  }

  // How many keys are ready, once they are enough for a round or no more come.
  Result<std::size_t> wait_until_warm() {
    const std::size_t wanted = std::size_t{settings_.requests} * settings_.number;
    std::size_t highest = 0;
    auto grown = steady_clock::now();
    while (true) {
      const auto ready = stored_keys();
      if (!ready) return ready.error();
      if (*ready >= wanted) return *ready;
      if (*ready > highest) {
        highest = *ready;
        grown = steady_clock::now();
      }
      if (steady_clock::now() - grown > kNoMoreComes) return *ready;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  Result<std::size_t> stored_keys() {
    const auto answer =
        client_.send(master_.call("GET", etsi014::sae_path(slave_.sae, etsi014::Resource::status)));
    if (!answer) return answer.error();
    if (answer->status != 200) {
      return Error{ErrorKind::unavailable,
                   fmt::format("status answered {}: {}", answer->status, answer->body.text().substr(0, 300))};
    }
    const auto status = etsi014::read_status(answer->body.text());
    if (!status) return status.error();
    return std::size_t{status->stored_key_count};
  }

  struct RoundSeries {
    Series enc;
    Series dec;
    Series pairs;  // enc_keys and dec_keys of the same keys, one after the other
  };

  static void note(const RoundBursts& round, RoundSeries& series) {
    series.enc.add(round.enc.per_second(), round.enc.latencies);
    series.dec.add(round.dec.per_second(), round.dec.latencies);
    std::vector<Latency> both(round.enc.latencies);
    for (std::size_t i = 0; i < both.size(); ++i) both[i] += round.dec.latencies[i];
    series.pairs.add(static_cast<double>(both.size()) / (round.enc.seconds + round.dec.seconds), both);
  }

  void print() const {
    const double keys = settings_.number;
    print_beside_heading();
    print_beside("enc_keys", measured_.enc.medians(), ceiling_.enc.medians(), keys);
    print_beside("dec_keys", measured_.dec.medians(), ceiling_.dec.medians(), keys);
    if (settings_.is_cold) print_beside("pairs", measured_.pairs.medians(), ceiling_.pairs.medians(), keys);
    fmt::print(
        "all keys equal at both ends; the generator took {:.0f} % of a core at the ceiling's enc_keys\n",
        100 * median(generator_share_));
    if (rounds_on_demand_ > 0) {
      fmt::print("in {} of {} rounds no key was ready: these requests were served on demand\n",
                 rounds_on_demand_, settings_.rounds);
    } else if (!settings_.is_cold && least_requests_ < settings_.requests) {
      fmt::print(
          "the shortest round had {} requests, as many as keys were ready; `key_store: {{minimum_keys: {}}}` "
          "in "
          "the topology file makes them whole\n",
          least_requests_, 2 * std::size_t{settings_.requests} * settings_.number);
    }
  }

  const KeysSettings settings_;
  const Encryptor master_;
  const Encryptor slave_;
  http::BlockingClient client_;
  RoundSeries ceiling_;
  RoundSeries measured_;
  std::vector<double> generator_share_;
  std::uint32_t rounds_on_demand_ = 0;
  std::size_t least_requests_ = settings_.requests;
};

}  // namespace

Result<void> run_keys_benchmark(const KeysSettings& settings) {
  const auto network = open_network(settings.topology_file);
  if (!network) return network.error();
  auto master = find_encryptor(*network, settings.master_sae);
  if (!master) return master.error();
  auto slave = find_encryptor(*network, settings.slave_sae);
  if (!slave) return slave.error();
  return KeysBenchmark(settings, std::move(*master), std::move(*slave)).run(*network);
}

}  // namespace dske::bench
