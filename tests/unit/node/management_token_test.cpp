#include "node/management_token.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/temporary_directory.h"

namespace dske::node {
namespace {

using dske::test::TemporaryDirectory;

TEST_CASE("a token is 32 random bytes in base64, in a file for its owner alone") {
  const TemporaryDirectory one;
  const TemporaryDirectory other;
  REQUIRE(make_management_token(one.path()).has_value());
  REQUIRE(make_management_token(other.path()).has_value());
  const auto token = read_management_token(one.path());
  const auto different = read_management_token(other.path());
  REQUIRE(token.has_value());
  REQUIRE(different.has_value());
  CHECK(token->size() == 44);
  CHECK(token->text().find('\n') == std::string_view::npos);
  CHECK(token->text() != different->text());
  struct stat status {};
  REQUIRE(::stat((one.path() / "management.token").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("a token that is there is kept") {
  const TemporaryDirectory directory;
  REQUIRE(make_management_token(directory.path()).has_value());
  const auto before = read_management_token(directory.path());
  REQUIRE(make_management_token(directory.path()).has_value());
  const auto after = read_management_token(directory.path());
  REQUIRE(before.has_value());
  REQUIRE(after.has_value());
  CHECK(before->text() == after->text());
}

TEST_CASE("without a token the error says what to do") {
  const TemporaryDirectory directory;
  const auto token = read_management_token(directory.path());
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().message.find("run init") != std::string::npos);
}

TEST_CASE("a file that is too short or too long to be a token is refused") {
  const TemporaryDirectory directory;
  for (const std::string& text : {std::string("\n"), std::string("short\n"), std::string(1000, 'x')}) {
    std::ofstream(directory.path() / "management.token") << text;
    CHECK_FALSE(read_management_token(directory.path()).has_value());
  }
}

}  // namespace
}  // namespace dske::node
