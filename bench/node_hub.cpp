// `dske-bench node hub`.
#include <algorithm>
#include <future>
#include <memory>

#include <fmt/core.h>

#include "bench/hub_clients.h"
#include "bench/node_benchmark.h"
#include "bench/node_figures.h"
#include "bench/served_node.h"
#include "bench/share_rounds.h"
#include "manager/management_client.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::int64_t kHalfBytes = 8192;                           // of a client that is only there
constexpr std::int64_t kHalfBytesMeasured = std::int64_t{1} << 20;  // of those that send shares
constexpr std::chrono::seconds kIdle{5};

SaeId sae_of(const std::string& client) {
  return SaeId::parse("sae-" + client).value();
}

class HubBenchmark {
 public:
  HubBenchmark(NodeSettings settings, ServedNode hub)
      : settings_(std::move(settings)), hub_(std::move(hub)), management_(hub_.node()) {}

  Result<void> run() {
    if (auto started = hub_.start(); !started) return started.error();
    const auto empty = resident_bytes_of(hub_.pid());
    if (!empty) return empty.error();
    empty_bytes_ = *empty;
    if (auto prepared = prepare_pair(); !prepared) return prepared;
    for (const std::uint32_t size : settings_.sizes) {
      if (auto measured = measure(size); !measured)
        return measured.error().within(fmt::format("{} clients", size));
    }
    fmt::print("an empty hub takes {:.1f} MiB\n", mebibytes(empty_bytes_));
    figures_.print();
    return {};
  }

 private:
  Result<std::filesystem::path> new_client(const std::string& name, std::int64_t half_bytes) {
    if (auto put = management_.put_client(name, {sae_of(name)}); !put) return put.error();
    return management_.assign_psrd(name, {half_bytes, half_bytes});
  }

  // The two whose shares are measured, on a loop of their own.
  Result<void> prepare_pair() {
    pair_loop_ = http::ClientLoop::start();
    for (auto* client : {&initiator_, &responder_}) {
      const auto file = new_client(client == &initiator_ ? "initiator" : "responder", kHalfBytesMeasured);
      if (!file) return file.error();
      auto opened = HubClient::open(*file, *pair_loop_);
      if (!opened) return opened.error();
      *client = std::move(*opened);
    }
    return {};
  }

  Result<void> enter_pair() {
    for (HubClient* client : {initiator_.get(), responder_.get()}) {
      std::promise<Result<void>> entered;
      pair_loop_->post(
          [&] { client->enter([&](const Result<void>& result) { entered.set_value(result); }); });
      if (auto result = entered.get_future().get(); !result) return result;
    }
    return {};
  }

  Result<void> measure(std::uint32_t size) {
    figures_.begin(fmt::format("{} clients", size));
    std::vector<std::filesystem::path> files;
    const auto begun = steady_clock::now();
    for (; made_ < size; ++made_) {
      auto file = new_client(fmt::format("client{}", made_), kHalfBytes);
      if (!file) return file.error();
      files.push_back(std::move(*file));
    }
    const Milliseconds adding = steady_clock::now() - begun;
    figures_.add("to add one client and make its PSRD", "ms",
                 adding.count() / static_cast<double>(std::max<std::size_t>(files.size(), 1)));
    if (auto added = clients_.add(files); !added) return added;

    if (auto stopped = hub_.stop(); !stopped) return stopped.error();
    const auto started = hub_.start();
    if (!started) return started.error();
    figures_.add("start-up until it serves", "ms", Milliseconds(*started).count());
    // Registered before the restart or not: all do it anew, as after any restart of their hub.
    const auto entered = clients_.enter();
    if (!entered) return entered.error();
    figures_.add("until all are registered", "ms", Milliseconds(*entered).count());
    if (auto pair = enter_pair(); !pair) return pair;

    const auto load = hub_.load_over(kIdle);
    if (!load) return load.error();
    const auto resident = resident_bytes_of(hub_.pid());
    if (!resident) return resident.error();
    figures_.add("resident memory", "MiB", mebibytes(*resident));
    figures_.add("of it per client", "KiB", static_cast<double>(*resident - empty_bytes_) / 1024 / size);
    figures_.add("processor while clients ask what waits", "%", 100 * *load);
    if (auto rounds = measure_rounds(); !rounds) return rounds;
    const auto stopped = hub_.stop();
    if (!stopped) return stopped.error();
    figures_.add("to stop", "ms", Milliseconds(*stopped).count());
    if (auto again = hub_.start(); !again) return again.error();
    return {};
  }

  Result<void> measure_rounds() {
    const auto rounds = run_share_rounds(
        {*initiator_, *responder_, sae_of("initiator"), sae_of("responder"), settings_.requests},
        *pair_loop_);
    if (!rounds) return rounds.error();
    const auto add = [&](const std::string& what, const std::vector<Latency>& latencies) {
      figures_.add(what + " p50", "ms", percentile(latencies, 50).count());
      figures_.add(what + " p99", "ms", percentile(latencies, 99).count());
    };
    add("POST key-share", rounds->post);
    add("GET key-share", rounds->fetch);
    add("POST confirmation", rounds->confirm);
    add("all three", rounds->whole);
    return {};
  }

  const NodeSettings settings_;
  ServedNode hub_;
  manager::ManagementClient management_;
  std::int64_t empty_bytes_ = 0;
  std::uint32_t made_ = 0;
  NodeFigures figures_;
  // The loops end before the clients.
  std::unique_ptr<HubClient> initiator_;
  std::unique_ptr<HubClient> responder_;
  HubClients clients_;
  std::unique_ptr<http::ClientLoop> pair_loop_;
};

}  // namespace

Result<void> run_node_hub_benchmark(const NodeSettings& settings, const std::filesystem::path& directory) {
  const auto node = make_node(manager::NodeKind::hub, "hank", directory);
  if (!node) return node.error();
  auto hub = ServedNode::init(*node, node_lines(*node) + "endpoint: " + node->url +
                                         "\nlog_level: warning\nprovisioner:\n  enabled: false\n");
  if (!hub) return hub.error();
  return HubBenchmark(settings, std::move(*hub)).run();
}

}  // namespace dske::bench
