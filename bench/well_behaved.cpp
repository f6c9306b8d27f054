#include "bench/well_behaved.h"

#include <algorithm>
#include <functional>
#include <latch>
#include <memory>
#include <thread>

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

void note_failure(Service& service, const Result<http::Answer>& answer) {
  if (answer && answer->status == 200) return;
  ++service.errors;
  if (!service.first_error.empty()) return;
  service.first_error = answer ? "answered " + std::to_string(answer->status) + ": " +
                                     std::string(answer->body.text().substr(0, 200))
                               : answer.error().message;
}

// Calls at an even pace until the time is over.
void call_at_pace(unsigned per_second, steady_clock::time_point first, steady_clock::time_point end,
                  const std::function<Result<http::Answer>()>& call, Service& service) {
  const auto interval =
      std::chrono::duration_cast<steady_clock::duration>(std::chrono::seconds(1)) / per_second;
  for (auto due = first; due < end; due += interval) {
    // Waking up late is the machine's delay and not the server's; being still at the call before is the
    // server's.
    const bool is_late = steady_clock::now() > due;
    if (!is_late) std::this_thread::sleep_until(due);
    const auto begun = is_late ? due : steady_clock::now();
    const auto answer = call();
    service.latencies.emplace_back(steady_clock::now() - begun);
    note_failure(service, answer);
  }
}

void add(Service& whole, const Service& part) {
  whole.latencies.insert(whole.latencies.end(), part.latencies.begin(), part.latencies.end());
  whole.errors += part.errors;
  if (whole.first_error.empty()) whole.first_error = part.first_error;
}

}  // namespace

WellBehaved watch_service(const Encryptor& encryptor, const WellBehavedSettings& settings) {
  std::vector<Service> services(settings.connections + settings.fresh_clients);
  std::latch connected(static_cast<std::ptrdiff_t>(settings.connections) + 1);
  std::latch timed(1);
  steady_clock::time_point begin;
  const auto prepared = [&] {
    http::Call call = encryptor.call("GET", settings.target);
    call.timeout = std::chrono::seconds(15);
    return call;
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < settings.connections; ++i) {
    threads.emplace_back([&, i] {
      http::BlockingClient client;
      note_failure(services[i], client.send(prepared()));
      connected.count_down();
      timed.wait();
      // Spread over the interval, so that the calls do not come all at once.
      const auto offset =
          std::chrono::microseconds(1000000 / settings.calls_per_second * i / settings.connections);
      call_at_pace(
          settings.calls_per_second, begin + offset, begin + settings.duration,
          [&] { return client.send(prepared()); }, services[i]);
    });
  }
  for (unsigned i = 0; i < settings.fresh_clients; ++i) {
    threads.emplace_back([&, i] {
      timed.wait();
      const auto offset =
          std::chrono::microseconds(1000000 / settings.fresh_per_second * i / settings.fresh_clients);
      call_at_pace(
          settings.fresh_per_second, begin + offset, begin + settings.duration,
          [&] { return http::BlockingClient().send(prepared()); }, services[settings.connections + i]);
    });
  }
  connected.arrive_and_wait();
  begin = steady_clock::now();
  timed.count_down();
  for (std::thread& thread : threads) thread.join();

  WellBehaved whole;
  for (std::size_t i = 0; i < services.size(); ++i)
    add(i < settings.connections ? whole.kept_alive : whole.fresh, services[i]);
  return whole;
}

}  // namespace dske::bench
