#include "http/server.h"

#include <array>
#include <exception>
#include <utility>

#include <pistache/reactor.h>

#include "base/log.h"
#include "base/mutex.h"
#include "http/acceptor.h"
#include "http/address_limits.h"
#include "http/memory_return.h"
#include "http/router.h"
#include "http/tls_source.h"
#include "http/worker.h"

namespace dske::http {
namespace {

Result<void> check(const ServerConfig& config) {
  const ServerLimits& limits = config.limits;
  const std::array<std::size_t, 6> sizes = {limits.connections,        limits.connections_per_address,
                                            limits.request_head_bytes, limits.request_headers,
                                            limits.body_bytes,         limits.pending_write_bytes};
  const std::array<std::chrono::milliseconds, 6> times = {limits.handshake_timeout, limits.head_timeout,
                                                          limits.body_timeout,      limits.keep_alive_timeout,
                                                          limits.write_timeout,     limits.linger_timeout};
  const bool no_handshakes =
      limits.handshakes_per_second == 0 || limits.handshakes_per_second_per_address == 0;
  if (no_handshakes) return invalid("the server " + config.name + " has a limit of 0");
  for (const std::size_t size : sizes) {
    if (size == 0) return invalid("the server " + config.name + " has a limit of 0");
  }
  for (const std::chrono::milliseconds time : times) {
    if (time.count() <= 0)
      return invalid("the server " + config.name + " has a time limit that is not positive");
  }
  constexpr unsigned kMostWorkers = 64;
  if (config.workers == 0 || config.workers > kMostWorkers) {
    return invalid("the server " + config.name + " needs between 1 and " + std::to_string(kMostWorkers) +
                   " workers");
  }
  return {};
}

class RunningServer final : public Server {
 public:
  RunningServer(const ServerLimits& limits, std::unique_ptr<Acceptor> acceptor)
      : limits_(limits.connections, limits.connections_per_address), acceptor_(std::move(acceptor)) {}
  ~RunningServer() override { stop(std::chrono::milliseconds(0)); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  /// `tls` is refreshed every second; null for plain HTTP.
  Result<void> run(std::shared_ptr<const WorkerSettings> settings, unsigned workers,
                   std::shared_ptr<TlsSource> tls);

  [[nodiscard]] std::uint16_t port() const override { return acceptor_->port(); }
  void stop(std::chrono::milliseconds grace) override;

 private:
  AddressLimits limits_;
  std::unique_ptr<Acceptor> acceptor_;
  Mutex stop_mutex_;
  std::vector<std::shared_ptr<Worker>> workers_ GUARDED_BY(stop_mutex_);
  std::shared_ptr<Pistache::Aio::Reactor> reactor_ GUARDED_BY(stop_mutex_);
};

Result<void> RunningServer::run(std::shared_ptr<const WorkerSettings> settings, unsigned workers,
                                std::shared_ptr<TlsSource> tls) {
  const MutexLock lock(stop_mutex_);
  std::vector<std::shared_ptr<Inbox>> inboxes;
  const auto reactor = Pistache::Aio::Reactor::create();
  try {
    reactor->init(Pistache::Aio::AsyncContext(workers, "http-worker"));
    const auto key = reactor->addHandler(std::make_shared<Worker>(std::move(settings)));
    for (const auto& handler : reactor->handlers(key)) {
      workers_.push_back(std::static_pointer_cast<Worker>(handler));
      inboxes.push_back(workers_.back()->inbox());
    }
    reactor->run();
    acceptor_->start(limits_, std::move(inboxes),
                     [this, tls = std::move(tls), memory = MemoryReturn()]() mutable {
                       if (tls) tls->refresh(std::chrono::steady_clock::now());
                       memory.note(limits_.taken());
                     });
  } catch (const std::exception& error) {
    reactor->shutdown();  // for the threads that have started
    return Error{ErrorKind::io, std::string("the server's threads cannot be started: ") + error.what()};
  }
  reactor_ = reactor;
  return {};
}

void RunningServer::stop(std::chrono::milliseconds grace) {
  const MutexLock lock(stop_mutex_);
  if (!reactor_) return;
  acceptor_->stop();
  for (const auto& worker : workers_) {
    Inbox::Item stop(Inbox::Stop{std::chrono::steady_clock::now() + grace});
    [[maybe_unused]] const bool posted = worker->inbox()->post(stop);
  }
  for (const auto& worker : workers_) worker->wait_until_stopped();
  reactor_->shutdown();
  reactor_.reset();  // joins the threads
  workers_.clear();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerConfig config, std::vector<Route> routes) {
  if (auto checked = check(config); !checked) return checked.error();
  auto settings = std::make_shared<WorkerSettings>();
  settings->server_name = config.name;
  settings->limits = config.limits;
  settings->routes = std::make_shared<const Routes>(std::move(routes));
  // Every worker makes its own; this one is for the error.
  if (auto router = Router::make(settings->routes, config.limits.request_head_bytes); !router)
    return router.error();
  settings->handshakes = std::make_shared<HandshakeLimits>(config.limits);
  std::shared_ptr<TlsSource> tls;
  if (config.tls) {
    auto opened = TlsSource::open(*config.tls, config.name);
    if (!opened) return opened.error();
    tls = std::move(*opened);
    settings->tls = tls;
    log::info("{}: TLS: {}", config.name, tls->current()->description());
  }
  auto acceptor = Acceptor::listen(config.name, config.address, config.port);
  if (!acceptor) return acceptor.error();
  auto server = std::make_unique<RunningServer>(config.limits, std::move(*acceptor));
  if (auto running = server->run(std::move(settings), config.workers, std::move(tls)); !running)
    return running.error();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace dske::http
