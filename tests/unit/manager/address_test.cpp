#include "manager/address.h"

#include <string>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "manager/port_holder.h"

using namespace dske;
using namespace dske::manager;

TEST_CASE("addresses are numeric, and this host's are known") {
  CHECK(is_ip_address("127.0.0.1"));
  CHECK(is_ip_address("2001:db8::1"));
  CHECK_FALSE(is_ip_address("localhost"));
  CHECK_FALSE(is_ip_address("127.0.0.256"));
  CHECK_FALSE(is_ip_address(""));
  CHECK(is_local_address("127.0.0.1"));
  CHECK(is_local_address("127.1.2.3"));
  CHECK(is_local_address("::1"));
  CHECK(is_local_address("0.0.0.0"));
  CHECK_FALSE_MESSAGE(is_local_address("192.0.2.1"), "TEST-NET-1 is nobody's");
}

TEST_CASE("URLs bracket IPv6 and call a wildcard at its loopback address") {
  CHECK(url_of("http", "192.0.2.1", 80) == "http://192.0.2.1:80");
  CHECK(url_of("https", "2001:db8::1", 443) == "https://[2001:db8::1]:443");
  CHECK(url_of("http", "0.0.0.0", 80) == "http://127.0.0.1:80");
  CHECK(url_of("http", "::", 80) == "http://[::1]:80");
}

TEST_CASE("a port on which a process listens is not free, and the process is named") {
  FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(listener.is_open());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  socklen_t size = sizeof(address);
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::uint16_t port = ntohs(address.sin_port);

  CHECK_FALSE(is_port_free("127.0.0.1", port));
  CHECK_FALSE(is_port_free("0.0.0.0", port));
  CHECK(port_holder(port) == "process " + std::to_string(::getpid()) + " (test_manager)");
  listener.close();
  CHECK(is_port_free("127.0.0.1", port));
  CHECK(port_holder(port) == "another process");
}
