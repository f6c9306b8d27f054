#include "http/test_server.h"

#include <stdexcept>
#include <thread>
#include <utility>

#include <doctest/doctest.h>
#include <sys/resource.h>

namespace dske::http::test {
namespace {

Response text_response(std::string_view text) {
  Response response;
  response.content_type = "text/plain";
  response.body = SecretBytes::copy_of(text);
  return response;
}

/// Made once: building it is slow under a sanitizer.
std::string_view large_text() {
  static const std::string text = [] {
    std::string letters(TestServer::kLargeBytes, 'a');
    for (std::size_t i = 0; i < letters.size(); ++i) letters[i] = static_cast<char>('a' + i % 23);
    return letters;
  }();
  return text;
}

}  // namespace

bool soon(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::chrono::microseconds processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto time = [](const timeval& value) {
    return std::chrono::seconds(value.tv_sec) + std::chrono::microseconds(value.tv_usec);
  };
  return time(usage.ru_utime) + time(usage.ru_stime);
}

TestServer::TestServer(const ServerLimits& limits, std::optional<TlsServerConfig> tls, unsigned workers) {
  ServerConfig config;
  config.name = "test";
  config.workers = workers;
  config.limits = limits;
  config.tls = std::move(tls);
  std::vector<Route> routes;
  routes.push_back({"GET", "/small", [](Request, Reply reply) { reply.send(text_response("small")); }});
  routes.push_back({"DELETE", "/small", [](Request, Reply reply) { reply.send(text_response("gone")); }});
  routes.push_back({"GET", "/large",
                    [this](Request, Reply reply) { reply.send(text_response(large_text()), counting()); }});
  routes.push_back({"GET", "/late", [this](Request, Reply reply) {
                      const MutexLock lock(mutex_);
                      late_.push_back(std::move(reply));
                    }});
  routes.push_back(
      {"GET", "/throws", [](Request, Reply) { throw std::runtime_error("the handler's own business"); }});
  routes.push_back({"GET", "/forgets", [](Request, Reply) {}});
  routes.push_back({"POST", "/echo/:name", [this](Request request, Reply reply) {
                      Response response = text_response(request.body.text());
                      response.headers = {{"X-Path", request.path},
                                          {"X-Query", request.query},
                                          {"X-Name", request.parameters.at(0)},
                                          {"X-From", request.peer_address}};
                      if (request.identity) {
                        response.headers.push_back({"X-Subject", request.identity->subject});
                        const MutexLock lock(mutex_);
                        last_identity_ = request.identity;
                      }
                      reply.send(std::move(response));
                    }});
  auto started = Server::start(config, std::move(routes));
  REQUIRE_MESSAGE(started.has_value(), started.error().message);
  server_ = std::move(*started);
}

TestServer::~TestServer() = default;

std::size_t TestServer::late_requests() {
  const MutexLock lock(mutex_);
  return late_.size();
}

void TestServer::answer_late(const std::string& body) {
  std::vector<Reply> replies;
  {
    const MutexLock lock(mutex_);
    replies.swap(late_);
  }
  for (Reply& reply : replies) reply.send(text_response(body), counting());
}

Reply::Written TestServer::counting() const {
  return [written = written_, lost = lost_](bool whole) { ++(whole ? *written : *lost); };
}

std::shared_ptr<const PeerIdentity> TestServer::last_identity() {
  const MutexLock lock(mutex_);
  return last_identity_;
}

}  // namespace dske::http::test
