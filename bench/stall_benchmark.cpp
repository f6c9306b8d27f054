#include "bench/stall_benchmark.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include "bench/attackers.h"
#include "bench/latency.h"
#include "bench/process_figures.h"
#include "bench/well_behaved.h"
#include "etsi014/sae_path.h"
#include "manager/management_client.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto kGathering = std::chrono::seconds(15);  // for the attackers to take their places
constexpr auto kSettling = std::chrono::seconds(20);   // for the server to forget them

// p50 and p99 of one kind of calls in the phases of one kind.
struct Series {
  std::vector<double> p50;
  std::vector<double> p99;

  void add(const Service& service) {
    p50.push_back(percentile(service.latencies, 50).count());
    p99.push_back(percentile(service.latencies, 99).count());
  }
};

class StallBenchmark {
 public:
  StallBenchmark(const StallSettings& settings, Encryptor encryptor, const SaeId& slave)
      : settings_(settings), encryptor_(std::move(encryptor)), management_(encryptor_.kme) {
    watch_.target =
        etsi014::sae_path(slave, settings.get_keys ? etsi014::Resource::enc_keys : etsi014::Resource::status);
    watch_.connections = settings.connections;
    watch_.duration = std::chrono::seconds(settings.seconds);
    attack_.address = encryptor_.kme.address;
    attack_.port = encryptor_.kme.port;
    attack_.silent = settings.silent;
    attack_.half = settings.half;
    attack_.addresses = settings.same_address ? 0 : settings.addresses;
  }

  Result<void> run() {
    const auto status = management_.status();
    if (!status) return status.error();
    pid_ = status->pid;
    raise_descriptor_limit();
    fmt::print(
        "{} at {}: {} kept-alive connections with {} calls/s each, and {} new ones/s; attackers: {} silent, "
        "{} half handshakes, {}\n",
        settings_.get_keys ? "enc_keys" : "status", encryptor_.kme.url, watch_.connections,
        watch_.calls_per_second, watch_.fresh_clients * watch_.fresh_per_second, attack_.silent, attack_.half,
        attack_.addresses == 0 ? "from the clients' own address"
                               : fmt::format("from {} other addresses", attack_.addresses));
    fmt::print("{:<12} {:>9} {:>6} {:>8} {:>8}   {:>9} {:>6} {:>8} {:>8}\n", "phase", "kept-al.", "errors",
               "p50 ms", "p99 ms", "new conn.", "errors", "p50 ms", "p99 ms");
    // What a first use allocates for good is none of the attackers'.
    measure("warming up", nullptr);
    std::this_thread::sleep_for(
        std::chrono::seconds(1));  // for the server to see that these clients are gone
    const auto before = figures_of(pid_);
    if (!before) return before.error();
    for (unsigned round = 0; round < settings_.rounds; ++round) {
      measure("undisturbed", &undisturbed_);
      if (auto attacked = measure_under_attack(); !attacked) return attacked;
    }
    const auto after = settled(before->descriptors);
    if (!after) return after.error();
    measure("undisturbed", &undisturbed_);
    print_ratio("kept-alive", 0);
    print_ratio("new", 1);
    print_process(*before, *after);
    if (errors_ > 0)
      return Error{ErrorKind::unavailable,
                   fmt::format("{} well-behaved calls failed, the first: {}", errors_, first_error_)};
    if (after->descriptors > before->descriptors)
      return Error{ErrorKind::internal, fmt::format("the KME keeps {} descriptors after the attack",
                                                    after->descriptors - before->descriptors)};
    return {};
  }

 private:
  using BothSeries = std::array<Series, 2>;  // kept-alive, new

  void measure(const char* name, BothSeries* series) {
    const WellBehaved seen = watch_service(encryptor_, watch_);
    fmt::print("{:<12} {:>9} {:>6} {:>8.2f} {:>8.2f}   {:>9} {:>6} {:>8.2f} {:>8.2f}\n", name,
               seen.kept_alive.latencies.size(), seen.kept_alive.errors,
               percentile(seen.kept_alive.latencies, 50).count(),
               percentile(seen.kept_alive.latencies, 99).count(), seen.fresh.latencies.size(),
               seen.fresh.errors, percentile(seen.fresh.latencies, 50).count(),
               percentile(seen.fresh.latencies, 99).count());
    static_cast<void>(std::fflush(stdout));
    for (const Service* service : {&seen.kept_alive, &seen.fresh}) {
      errors_ += service->errors;
      if (first_error_.empty()) first_error_ = service->first_error;
    }
    if (series == nullptr) return;
    (*series)[0].add(seen.kept_alive);
    (*series)[1].add(seen.fresh);
  }

  Result<void> measure_under_attack() {
    auto attackers = Attackers::start(attack_);
    if (!attackers) return attackers.error();
    const std::size_t wanted = std::size_t{attack_.silent} + attack_.half;
    const auto deadline = steady_clock::now() + kGathering;
    while ((*attackers)->standing() < wanted && steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::size_t gathered = (*attackers)->standing();
    const std::size_t ended = (*attackers)->ended_by_server();
    measure("disturbed", &disturbed_);
    during_ = figures_of(pid_);
    fmt::print(
        "             {} of {} attackers stood at the beginning, {} at the end; the server ended {} "
        "meanwhile\n",
        gathered, wanted, (*attackers)->standing(), (*attackers)->ended_by_server() - ended);
    return {};
  }

  // The figures once the descriptors are at most as many as they were, or after the settling time.
  Result<ProcessFigures> settled(std::int64_t descriptors) const {
    const auto deadline = steady_clock::now() + kSettling;
    while (true) {
      auto figures = figures_of(pid_);
      if (!figures || figures->descriptors <= descriptors || steady_clock::now() > deadline) return figures;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }

  void print_ratio(const char* name, std::size_t kind) const {
    const double calm = median(undisturbed_[kind].p99);
    const double attacked = median(disturbed_[kind].p99);
    fmt::print(
        "{:<10} connections: p50 {:.2f} ms undisturbed, {:.2f} ms disturbed; p99 {:.2f} and {:.2f} ms, ratio "
        "{:.2f} (medians of the phases)\n",
        name, median(undisturbed_[kind].p50), median(disturbed_[kind].p50), calm, attacked,
        calm > 0 ? attacked / calm : 0);
  }

  void print_process(const ProcessFigures& before, const ProcessFigures& after) const {
    fmt::print("{:<28} {:>10} {:>10} {:>10}\n", fmt::format("the KME's process ({})", pid_), "before",
               "during", "after");
    fmt::print("{:<28} {:>10} {:>10} {:>10}\n", "descriptors", before.descriptors,
               during_ ? during_->descriptors : -1, after.descriptors);
    fmt::print("{:<28} {:>10.1f} {:>10.1f} {:>10.1f}\n", "resident memory, MiB",
               mebibytes(before.resident_bytes), during_ ? mebibytes(during_->resident_bytes) : -1,
               mebibytes(after.resident_bytes));
  }

  StallSettings settings_;
  Encryptor encryptor_;
  manager::ManagementClient management_;
  WellBehavedSettings watch_;
  AttackSettings attack_;
  std::int64_t pid_ = 0;
  BothSeries undisturbed_;
  BothSeries disturbed_;
  Result<ProcessFigures> during_ = Error{ErrorKind::not_found, "not measured"};
  std::size_t errors_ = 0;
  std::string first_error_;
};

}  // namespace

Result<void> run_stall_benchmark(const StallSettings& settings) {
  const auto network = open_network(settings.topology_file);
  if (!network) return network.error();
  auto master = find_encryptor(*network, settings.master_sae);
  if (!master) return master.error();
  const auto slave = find_encryptor(*network, settings.slave_sae);
  if (!slave) return slave.error();
  return StallBenchmark(settings, std::move(*master), slave->sae).run();
}

}  // namespace dske::bench
