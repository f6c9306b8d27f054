#include "bench/relay_ceiling.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dske/secret_tag.h"
#include "http/client.h"
#include "http/server.h"

namespace dske::bench {
namespace {

constexpr std::size_t kBodyMost = std::size_t{32} << 20;

std::unique_ptr<http::Server> start_server(std::uint64_t body_bytes, std::optional<Error>& error) {
  http::ServerConfig config;
  config.name = "ceiling";
  config.limits.body_bytes = kBodyMost;
  config.limits.pending_write_bytes = kBodyMost;
  std::vector<http::Route> routes;
  routes.push_back({"POST", "/share", [](http::Request /*request*/, http::Reply reply) {
                      reply.send({200, "application/octet-stream", {}, SecretBytes::copy_of("x")});
                    }});
  routes.push_back({"GET", "/share", [body_bytes](http::Request /*request*/, http::Reply reply) {
                      reply.send({200, "application/octet-stream", {}, SecretBytes(body_bytes)});
                    }});
  auto server = http::Server::start(config, std::move(routes));
  if (server) return std::move(*server);
  error = server.error();
  return nullptr;
}

// Lives on two loops, as the KMEs do: one posts, the other fetches.
class RawFlow {
 public:
  RawFlow(std::vector<std::string> urls, std::uint64_t body_bytes, const RelayLoad& load)
      : urls_(std::move(urls)), body_bytes_(body_bytes), load_(load) {}

  Result<double> run() {
    const auto begun = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < load_.in_flight; ++i) next();
    const bool good = finished_.get_future().get();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (!good) return Error{ErrorKind::unavailable, "a raw body was not delivered"};
    return took.count();
  }

 private:
  void next() {
    if (begun_++ >= load_.bundles) return;
    each_hub(*posting_, "POST", [this] { each_hub(*fetching_, "GET", [this] { ended(); }); });
  }

  void ended() {
    if (++ended_ == load_.bundles) return finished_.set_value(!failed_);
    next();
  }

  // One call to every hub at once, then `done`.
  void each_hub(http::ClientLoop& loop, std::string method, std::function<void()> done) {
    loop.post([this, &loop, method = std::move(method), done = std::move(done)] {
      const auto outstanding = std::make_shared<std::size_t>(urls_.size());
      for (const std::string& url : urls_) {
        http::Call call;
        call.method = method;
        call.url = url;
        if (method == "POST") call.body = SecretBytes(body_bytes_);
        call.most_answer_bytes = kBodyMost;
        loop.send(std::move(call), [this, outstanding, done](const Result<http::Answer>& answer) {
          if (!answer || answer->status != 200) failed_ = true;
          if (--*outstanding == 0) done();
        });
      }
    });
  }

  const std::vector<std::string> urls_;
  const std::uint64_t body_bytes_;
  const RelayLoad load_;
  std::promise<bool> finished_;
  std::atomic<std::uint64_t> begun_ = 0;
  std::atomic<std::uint64_t> ended_ = 0;
  std::atomic<bool> failed_ = false;
  // Last, so that the loops end before what their tasks use.
  std::unique_ptr<http::ClientLoop> posting_ = http::ClientLoop::start();
  std::unique_ptr<http::ClientLoop> fetching_ = http::ClientLoop::start();
};

}  // namespace

Result<double> relay_raw_bodies(std::size_t hubs, const RelayLoad& load) {
  const std::uint64_t body_bytes = load.bundle_bytes + kSecretTagRandomSize;
  std::vector<std::unique_ptr<http::Server>> servers;
  std::vector<std::string> urls;
  for (std::size_t i = 0; i < hubs; ++i) {
    std::optional<Error> error;
    servers.push_back(start_server(body_bytes, error));
    if (error) return *error;
    urls.push_back("http://127.0.0.1:" + std::to_string(servers.back()->port()) + "/share");
  }
  return RawFlow(std::move(urls), body_bytes, load).run();
}

}  // namespace dske::bench
