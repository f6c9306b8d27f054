#include "bench/handshake_benchmark.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include <fmt/core.h>

#include "bench/encryptor.h"
#include "bench/figures.h"
#include "bench/memory_handshake.h"
#include "manager/pki.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

// One handshake; a session to resume, or null; the session of its ticket.
using Handshake = std::function<Result<TlsSessionPointer>(ssl_session_st*)>;

struct RoundOfHandshakes {
  std::vector<Latency> latencies;
  double per_second = 0;
};

// `count` handshakes over so many threads; each thread's first, full one is not counted.
Result<RoundOfHandshakes> run_round(const Handshake& handshake, unsigned threads, std::uint32_t count,
                                    bool is_resumed) {
  std::vector<std::vector<Latency>> latencies(threads);
  std::vector<Result<void>> outcomes(threads);
  std::atomic<std::uint32_t> next = 0;
  std::atomic<unsigned> prepared = 0;
  std::atomic<bool> go = false;
  const auto work = [&](unsigned index) {
    auto session = handshake(nullptr);
    ++prepared;
    go.wait(false);
    while (session && next++ < count) {
      const auto begun = steady_clock::now();
      auto renewed = handshake(is_resumed ? session->get() : nullptr);
      latencies[index].emplace_back(steady_clock::now() - begun);
      session = std::move(renewed);
    }
    if (!session) outcomes[index] = session.error();
  };
  std::vector<std::thread> workers;
  workers.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(work, i);
  while (prepared < threads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto begun = steady_clock::now();
  go = true;
  go.notify_all();
  for (std::thread& worker : workers) worker.join();
  const std::chrono::duration<double> took = steady_clock::now() - begun;
  RoundOfHandshakes round;
  for (unsigned i = 0; i < threads; ++i) {
    if (!outcomes[i]) return outcomes[i].error();
    round.latencies.insert(round.latencies.end(), latencies[i].begin(), latencies[i].end());
  }
  round.per_second = static_cast<double>(round.latencies.size()) / took.count();
  return round;
}

}  // namespace

Result<void> run_handshake_benchmark(const HandshakeSettings& settings) {
  const auto network = open_network(settings.topology_file);
  if (!network) return network.error();
  const auto master = find_encryptor(*network, settings.master_sae);
  if (!master) return master.error();
  const manager::Pki pki(network->pki_directory());
  const auto memory = MemoryHandshake::make(
      *master->tls, pki.certificate_file(manager::CertificateKind::kme, master->kme.name),
      pki.key_file(manager::CertificateKind::kme, master->kme.name));
  if (!memory) return memory.error();
  const auto context = client_context(*master->tls);
  if (!context) return context.error();
  const ServerAddress server{master->kme.address, master->kme.port};

  const Handshake in_memory = [&](ssl_session_st* session) { return memory->run(session); };
  const Handshake at_kme = [&](ssl_session_st* session) -> Result<TlsSessionPointer> {
    auto connection = TlsConnection::open(context->get(), server, session);
    if (!connection) return connection.error();
    auto ticket = connection->wait_for_ticket();
    if (ticket && session != nullptr && !connection->is_resumed())
      return Error{ErrorKind::internal, "the server did not resume a session"};
    return ticket;
  };
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  fmt::print(
      "TLS 1.3 with client certificates at {}: {} clients, {} rounds of {} handshakes of each kind;\n"
      "ceiling: the same handshakes in memory, both ends, on {} threads\n",
      master->kme.url, settings.clients, settings.rounds, settings.handshakes, cores);
  std::array<Series, 2> measured;
  std::array<Series, 2> ceiling;
  for (std::uint32_t i = 0; i < settings.rounds; ++i) {
    for (const bool is_resumed : {false, true}) {
      const std::size_t kind = is_resumed ? 1 : 0;
      const auto above = run_round(in_memory, cores, settings.handshakes, is_resumed);
      if (!above) return above.error();
      const auto round = run_round(at_kme, settings.clients, settings.handshakes, is_resumed);
      if (!round) {
        return round.error().within(
            "a handshake failed; the KME's limits may need to be raised (scripts/bench.sh does), `server: "
            "{handshakes_per_second: 1000000, handshakes_per_second_per_address: 1000000}` in kme.yaml");
      }
      ceiling.at(kind).add(above->per_second, above->latencies);
      measured.at(kind).add(round->per_second, round->latencies);
    }
  }
  for (const bool is_resumed : {false, true}) {
    const Figures figures = measured.at(is_resumed ? 1 : 0).medians();
    const Figures above = ceiling.at(is_resumed ? 1 : 0).medians();
    fmt::print(
        "{:<8} {:8.0f} connections/s  p50 {:6.2f} ms  p99 {:6.2f} ms; ceiling {:8.0f}/s, ratio {:.2f}\n",
        is_resumed ? "resumed" : "full", figures.per_second, figures.p50_ms, figures.p99_ms, above.per_second,
        ratio(figures.per_second, above.per_second));
  }
  return {};
}

}  // namespace dske::bench
