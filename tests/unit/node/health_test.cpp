#include "node/health.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "http/reply_sink.h"

namespace dske::node {
namespace {

class KeepingSink final : public http::Reply::Sink {
 public:
  explicit KeepingSink(http::Response& kept) : kept_(kept) {}
  void send(http::Response response, http::Reply::Written /*written*/) override {
    kept_ = std::move(response);
  }

 private:
  http::Response& kept_;
};

http::Response get(const std::vector<http::Route>& routes, const std::string& path) {
  const auto route =
      std::find_if(routes.begin(), routes.end(), [&](const auto& each) { return each.pattern == path; });
  REQUIRE(route != routes.end());
  http::Response response;
  route->handler({}, http::Reply(std::make_unique<KeepingSink>(response)));
  return response;
}

TEST_CASE("a node that serves is healthy, whether it is ready or not") {
  std::string reason = "no PSRD";
  const auto routes = health_routes([&] { return reason; });
  const http::Response healthy = get(routes, "/healthz");
  CHECK(healthy.status == 200);
  CHECK(healthy.body.text() == R"({"status":"ok"})");
}

TEST_CASE("readiness is asked anew each time, and a node that is not ready says why") {
  std::string reason = "no PSRD";
  const auto routes = health_routes([&] { return reason; });
  const http::Response not_ready = get(routes, "/readyz");
  CHECK(not_ready.status == 503);
  CHECK(not_ready.body.text() == R"({"ready":false,"reason":"no PSRD"})");
  reason.clear();
  const http::Response ready = get(routes, "/readyz");
  CHECK(ready.status == 200);
  CHECK(ready.body.text() == R"({"ready":true})");
}

}  // namespace
}  // namespace dske::node
