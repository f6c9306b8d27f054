#include "wireguard/status_socket.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/temporary_directory.h"

namespace dske::wireguard {

TEST_CASE("who may enter the directory gets the report, as often as they ask") {
  const dske::test::TemporaryDirectory directory;
  const auto path = directory.path() / "status.sock";
  std::atomic<int> asked = 0;
  auto socket = StatusSocket::listen(
      path, [&asked] { return SecretBytes::copy_of(std::string(300'000, 'x') + std::to_string(++asked)); });
  REQUIRE_MESSAGE(socket.has_value(), (socket ? "" : socket.error().message));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
  std::vector<std::thread> readers;
  std::atomic<int> whole = 0;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      const auto report = read_status(path);
      if (report && report->size() == 300'001) ++whole;
    });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(whole == 4);
  CHECK(asked == 4);
}

TEST_CASE("without a daemon there is no report, whether its socket was left behind or not") {
  const dske::test::TemporaryDirectory directory;
  const auto path = directory.path() / "status.sock";
  const auto none = read_status(path);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().kind == ErrorKind::unavailable);
  {
    const auto ended = StatusSocket::listen(path, [] { return SecretBytes(); });
  }
  CHECK_FALSE(read_status(path).has_value());
  const auto again = StatusSocket::listen(path, [] { return SecretBytes::copy_of("here"); });
  REQUIRE(again.has_value());
  const auto report = read_status(path);
  REQUIRE(report.has_value());
  CHECK(report->text() == "here");
}

TEST_CASE("a client that goes away without reading leaves the others theirs") {
  const dske::test::TemporaryDirectory directory;
  const auto path = directory.path() / "status.sock";
  const auto socket =
      StatusSocket::listen(path, [] { return SecretBytes::copy_of(std::string(3'000'000, 'x')); });
  REQUIRE(socket.has_value());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  {
    const FileDescriptor silent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(silent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  const auto report = read_status(path);
  REQUIRE(report.has_value());
  CHECK(report->size() == 3'000'000);
  CHECK_FALSE(StatusSocket::listen(directory.path() / std::string(200, 'x'), nullptr).has_value());
}

}  // namespace dske::wireguard
