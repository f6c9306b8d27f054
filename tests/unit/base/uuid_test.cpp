#include "base/uuid.h"

#include <set>
#include <type_traits>
#include <unordered_set>

#include <doctest/doctest.h>

#include "base/names.h"

using namespace dske;

namespace {

// Fills with one byte.
class OneByte final : public Randomness {
 public:
  explicit OneByte(std::uint8_t byte) : byte_(byte) {}
  void fill(MutableByteView bytes) override {
    for (auto& byte : bytes) byte = byte_;
  }

 private:
  std::uint8_t byte_;
};

}  // namespace

TEST_CASE("a UUID's text is read in either case and written in lower case") {
  const auto uuid = Uuid::parse("00112233-4455-6677-8899-AaBbCcDdEeFf");
  REQUIRE(uuid.has_value());
  CHECK(uuid->text() == "00112233-4455-6677-8899-aabbccddeeff");
  for (std::size_t i = 0; i < Uuid::kBytes; ++i) CHECK(uuid->bytes()[i] == i * 0x11);
}

TEST_CASE("no other form of a UUID is taken") {
  const std::string good = "00112233-4455-6677-8899-aabbccddeeff";
  for (const std::string& text :
       {std::string(), good + "0", good.substr(1), "{" + good + "}", "urn:uuid:" + good,
        std::string("00112233445566778899aabbccddeeff"), std::string("00112233-4455-6677-8899aabb-ccddeeff"),
        std::string("0011223-34455-6677-8899-aabbccddeeff"), " " + good.substr(1)}) {
    CAPTURE(text);
    CHECK(!Uuid::parse(text).has_value());
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char wrong : {'g', '-', ' ', '\0', '/', ':', '@', '`', 'G', '\x80'}) {
      std::string text = good;
      if (text[i] == wrong) continue;
      text[i] = wrong;
      CHECK(!Uuid::parse(text).has_value());
    }
  }
}

TEST_CASE("a random UUID is marked as version 4 and leaves its other bits to chance") {
  OneByte ones(0xff);
  OneByte zeros(0x00);
  CHECK(Uuid::random(ones).text() == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  CHECK(Uuid::random(zeros).text() == "00000000-0000-4000-8000-000000000000");
  SystemRandomness randomness;
  std::unordered_set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(Uuid::random(randomness));
  CHECK(seen.size() == 1000);
}

TEST_CASE("UUIDs are ordered as their bytes, and ids of different kinds do not mix") {
  const auto low = Uuid::parse("00000000-0000-0000-0000-0000000000ff");
  const auto high = Uuid::parse("00000000-0000-0000-0000-000000000100");
  CHECK(*low < *high);
  CHECK(Uuid() < *low);
  const auto id = HubId::parse(low->text());
  REQUIRE(id.has_value());
  CHECK(id->uuid() == *low);
  CHECK(id->text() == low->text());
  CHECK(std::hash<HubId>()(*id) == std::hash<Uuid>()(*low));
  CHECK(!HubId::parse("x").has_value());
  CHECK(!std::is_convertible_v<HubId, ClientId>);
  CHECK(!std::is_convertible_v<Uuid, HubId>);
}
