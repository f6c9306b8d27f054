#include "node/server_limits.h"

#include <doctest/doctest.h>

namespace dske::node {
namespace {

Result<http::ServerLimits> read(const std::string& text) {
  auto root = yaml::parse(text, "node.yaml");
  if (!root) return root.error();
  yaml::MappingReader reader(*root);
  const http::ServerLimits limits = read_server_limits(reader);
  if (const auto fault = reader.finish()) return *fault;
  return limits;
}

std::string fault(const std::string& text) {
  const auto limits = read(text);
  return limits ? std::string() : limits.error().message;
}

TEST_CASE("without a word on it, the server's limits are the defaults") {
  const auto limits = read("{}");
  REQUIRE(limits.has_value());
  CHECK(limits->connections == http::ServerLimits().connections);
  CHECK(limits->handshake_timeout == http::ServerLimits().handshake_timeout);
}

TEST_CASE("every limit can be set") {
  const auto limits = read(
      "server: {connections: 1, connections_per_address: 2, handshakes_per_second: 3,"
      " handshakes_per_second_per_address: 4, request_head_bytes: 2048, request_headers: 5,"
      " handshake_timeout_seconds: 6, head_timeout_seconds: 7, body_timeout_seconds: 8,"
      " keep_alive_timeout_seconds: 9, write_timeout_seconds: 10, linger_timeout_seconds: 11}");
  REQUIRE(limits.has_value());
  CHECK(limits->connections == 1);
  CHECK(limits->connections_per_address == 2);
  CHECK(limits->handshakes_per_second == 3);
  CHECK(limits->handshakes_per_second_per_address == 4);
  CHECK(limits->request_head_bytes == 2048);
  CHECK(limits->request_headers == 5);
  CHECK(limits->handshake_timeout == std::chrono::seconds(6));
  CHECK(limits->head_timeout == std::chrono::seconds(7));
  CHECK(limits->body_timeout == std::chrono::seconds(8));
  CHECK(limits->keep_alive_timeout == std::chrono::seconds(9));
  CHECK(limits->write_timeout == std::chrono::seconds(10));
  CHECK(limits->linger_timeout == std::chrono::seconds(11));
}

TEST_CASE("none can be switched off, and unknown ones are told with their place") {
  CHECK(fault("server: {connections: 0}").starts_with("node.yaml:1:23: connections"));
  CHECK(fault("server: {handshakes_per_second: 0}").find("handshakes_per_second") != std::string::npos);
  CHECK(fault("server: {head_timeout_seconds: 0}").find("head_timeout_seconds") != std::string::npos);
  CHECK(fault("server: {conections: 7}").find("conections") != std::string::npos);
  CHECK(fault("server: 5").find("server") != std::string::npos);
}

}  // namespace
}  // namespace dske::node
