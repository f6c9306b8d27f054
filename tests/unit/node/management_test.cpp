#include "node/management.h"

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

// A managed node with one call, which answers as `handler` does.
struct Managed {
  std::shared_ptr<const SecretBytes> token =
      std::make_shared<const SecretBytes>(SecretBytes::copy_of("the right token"));
  bool called = false;
  Error error;

  http::Response call(const std::string& authorization) {
    const http::Route route = management_route(token, "GET", "/hub/hank/mgmt/v1/status",
                                               [this](const http::Request&, ManagementReply reply) {
                                                 called = true;
                                                 if (!error.message.empty()) return reply.fail(error);
                                                 reply.send(200, SecretBytes::copy_of("{}"));
                                               });
    http::Request request;
    if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
    http::Response response;
    route.handler(std::move(request), http::Reply(std::make_unique<KeepingSink>(response)));
    return response;
  }
};

TEST_CASE("a management call with the token is carried out") {
  Managed managed;
  CHECK(managed.call("Bearer the right token").status == 200);
  CHECK(managed.called);
}

TEST_CASE("a management call without the token is not, and the answer says what is needed") {
  for (const std::string& authorization : std::vector<std::string>{
           "", "Bearer", "Bearer ", "Bearer the wrong token", "Bearer the right toke",
           "Bearer the right token ", "bearer the right token", "Basic the right token", "the right token"}) {
    Managed managed;
    const http::Response refusal = managed.call(authorization);
    CAPTURE(authorization);
    CHECK(refusal.status == 401);
    CHECK_FALSE(managed.called);
    REQUIRE(refusal.headers.size() == 1);
    CHECK(refusal.headers[0].name == "WWW-Authenticate");
    CHECK(refusal.body.text().find("management.token") != std::string_view::npos);
    CHECK(refusal.body.text().find("right") == std::string_view::npos);
  }
}

TEST_CASE("the kind of an error decides the status of a management answer") {
  Managed managed;
  const auto status_of = [&](ErrorKind kind) {
    managed.error = {kind, "because"};
    const http::Response response = managed.call("Bearer the right token");
    CHECK(response.body.text() == "{\"message\":\"because\"}");
    return response.status;
  };
  CHECK(status_of(ErrorKind::invalid) == 400);
  CHECK(status_of(ErrorKind::corrupt) == 400);
  CHECK(status_of(ErrorKind::unauthenticated) == 401);
  CHECK(status_of(ErrorKind::forbidden) == 403);
  CHECK(status_of(ErrorKind::not_found) == 404);
  CHECK(status_of(ErrorKind::conflict) == 409);
  CHECK(status_of(ErrorKind::exhausted) == 503);
  CHECK(status_of(ErrorKind::unavailable) == 503);
  CHECK(status_of(ErrorKind::io) == 503);
  CHECK(status_of(ErrorKind::internal) == 500);
}

}  // namespace
}  // namespace dske::node
