#include "base/names.h"

#include <doctest/doctest.h>

using namespace dske;

TEST_CASE("a node's name is of the characters that need no escape anywhere") {
  for (const std::string_view name : {"a", "hub-1", "0", "A.b_c-9", "eve.example.org"}) {
    CAPTURE(name);
    REQUIRE(HubName::parse(name).has_value());
    CHECK(HubName::parse(name)->text() == name);
  }
  for (const std::string_view name :
       {"", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "a:b", "a%2e", "\xc3\xa9", "a\n"}) {
    CAPTURE(name);
    const auto parsed = ClientName::parse(name);
    REQUIRE(!parsed.has_value());
    CHECK(parsed.error().kind == ErrorKind::invalid);
  }
  CHECK(!HubName::parse(std::string("a\0b", 3)).has_value());
}

TEST_CASE("a node's name has at most 64 characters") {
  CHECK(HubName::parse(std::string(64, 'x')).has_value());
  CHECK(!HubName::parse(std::string(65, 'x')).has_value());
}

TEST_CASE("an SAE ID is any UTF-8 without control characters, up to 512 bytes") {
  for (const std::string_view id : {"sae-1", "..", "a/b", "CN=x, O=y", "\xc3\xa9\xe2\x82\xac", " "}) {
    CAPTURE(id);
    CHECK(SaeId::parse(id).has_value());
  }
  CHECK(SaeId::parse(std::string(512, 'x')).has_value());
  CHECK(!SaeId::parse(std::string(513, 'x')).has_value());
  for (const std::string_view id : {"", "a\nb", "\x7f", "\xc2\x85", "\xff", "a\xc3"})
    CHECK(!SaeId::parse(id).has_value());
  CHECK(!SaeId::parse(std::string("a\0b", 3)).has_value());
}

TEST_CASE("names compare and hash as their texts") {
  const auto a = *SaeId::parse("a");
  const auto b = *SaeId::parse("b");
  CHECK(a < b);
  CHECK(a == *SaeId::parse("a"));
  CHECK(std::hash<SaeId>()(a) == std::hash<SaeId>()(*SaeId::parse("a")));
}
