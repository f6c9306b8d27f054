#include "node/server_limits.h"

namespace dske::node {
namespace {

constexpr std::int64_t kConnectionsMost = 1000000;
constexpr std::int64_t kHandshakesMost = 1000000;
constexpr std::int64_t kHeadBytesLeast = 1024;
constexpr std::int64_t kHeadBytesMost = 1048576;
constexpr std::int64_t kHeadersMost = 10000;
constexpr std::int64_t kSecondsMost = 86400;

template <class Number>
void read_number(yaml::MappingReader& members, std::string_view name, std::int64_t least, std::int64_t most,
                 Number& number) {
  number = static_cast<Number>(members.integer(name, least, most, static_cast<std::int64_t>(number)));
}

void read_seconds(yaml::MappingReader& members, std::string_view name, std::chrono::milliseconds& time) {
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  time = std::chrono::seconds(members.integer(name, 1, kSecondsMost, seconds));
}

}  // namespace

http::ServerLimits read_server_limits(yaml::MappingReader& reader) {
  http::ServerLimits limits;
  const auto node = reader.mapping("server");
  if (!node) return limits;
  yaml::MappingReader members(*node);
  read_number(members, "connections", 1, kConnectionsMost, limits.connections);
  read_number(members, "connections_per_address", 1, kConnectionsMost, limits.connections_per_address);
  read_number(members, "handshakes_per_second", 1, kHandshakesMost, limits.handshakes_per_second);
  read_number(members, "handshakes_per_second_per_address", 1, kHandshakesMost,
              limits.handshakes_per_second_per_address);
  read_number(members, "request_head_bytes", kHeadBytesLeast, kHeadBytesMost, limits.request_head_bytes);
  read_number(members, "request_headers", 1, kHeadersMost, limits.request_headers);
  read_seconds(members, "handshake_timeout_seconds", limits.handshake_timeout);
  read_seconds(members, "head_timeout_seconds", limits.head_timeout);
  read_seconds(members, "body_timeout_seconds", limits.body_timeout);
  read_seconds(members, "keep_alive_timeout_seconds", limits.keep_alive_timeout);
  read_seconds(members, "write_timeout_seconds", limits.write_timeout);
  read_seconds(members, "linger_timeout_seconds", limits.linger_timeout);
  if (const auto fault = members.finish()) reader.fail(*fault);
  return limits;
}

}  // namespace dske::node
