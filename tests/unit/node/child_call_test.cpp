#include "node/child_call.h"

#include <csignal>
#include <cstdlib>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dske::node {
namespace {

TEST_CASE("what is answered in a child comes to its parent, of any size") {
  for (const std::size_t size : {0U, 1U, 32U, 1000000U}) {
    const auto answer = call_in_child([&]() -> Result<SecretBytes> {
      SecretBytes bytes(size);
      for (std::size_t i = 0; i < size; ++i) bytes.span()[i] = static_cast<std::uint8_t>(i * 7);
      return bytes;
    });
    REQUIRE(answer.has_value());
    REQUIRE(answer->size() == size);
    bool same = true;
    for (std::size_t i = 0; i < size; ++i)
      same = same && answer->view()[i] == static_cast<std::uint8_t>(i * 7);
    CHECK(same);
  }
}

TEST_CASE("an error in a child comes to its parent with its kind") {
  const auto answer = call_in_child([]() -> Result<SecretBytes> {
    return Error{ErrorKind::unauthenticated, "the PIN is wrong"};
  });
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == ErrorKind::unauthenticated);
  CHECK(answer.error().message == "the PIN is wrong");
}

TEST_CASE("what a child does to its process does not reach its parent") {
  int value = 1;
  const pid_t own = ::getpid();
  const auto answer = call_in_child([&]() -> Result<SecretBytes> {
    value = 2;
    ::setenv("DSKE_CHILD_CALL_TEST", "set", 1);
    return SecretBytes(::getpid() == own ? 1 : 0);
  });
  REQUIRE(answer.has_value());
  CHECK(answer->empty());
  CHECK(value == 1);
  CHECK(std::getenv("DSKE_CHILD_CALL_TEST") == nullptr);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // none is left over
}

TEST_CASE("a child that crashes or ends is an error") {
  const auto killed = call_in_child([]() -> Result<SecretBytes> {
    ::raise(SIGKILL);
    return SecretBytes();
  });
  REQUIRE_FALSE(killed.has_value());
  CHECK(killed.error().message == "the process for it ended by signal 9");
  const auto left = call_in_child([]() -> Result<SecretBytes> { ::_exit(0); });
  REQUIRE_FALSE(left.has_value());
  CHECK(left.error().message == "the process for it answered nothing");
}

}  // namespace
}  // namespace dske::node
