#include "wireguard/key_record.h"

#include <fstream>

#include <doctest/doctest.h>

#include "base/temporary_directory.h"
#include "dske/fixed_randomness.h"

namespace dske::wireguard {

TEST_CASE("a record is what it was when it is opened again, and holds no key") {
  const dske::test::TemporaryDirectory directory;
  const auto file = directory.path() / "record.json";
  dske::test::ReproducibleRandomness randomness(6);
  const SecretBytes key = randomness.bytes(32);
  const SystemClock clock;
  KeyRecordContents contents;
  contents.keys.push_back({KeyId::random(randomness),
                           fingerprint_of(key.view()),
                           {Source::dske, Source::previous},
                           DurableDeadline::at(clock.now(), clock)});
  contents.keepalive_seconds = 0;
  {
    auto record = FileKeyRecord::open(file);
    REQUIRE(record.has_value());
    CHECK(record->contents().keys.empty());
    REQUIRE(record->replace(contents).has_value());
  }
  const auto again = FileKeyRecord::open(file);
  REQUIRE(again.has_value());
  REQUIRE(again->contents().keys.size() == 1);
  CHECK(again->contents().keys[0].id == contents.keys[0].id);
  CHECK(again->contents().keys[0].fingerprint == contents.keys[0].fingerprint);
  CHECK(again->contents().keys[0].sources == contents.keys[0].sources);
  CHECK(again->contents().keepalive_seconds == 0);
  CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::others_read) ==
        std::filesystem::perms::none);
}

TEST_CASE("a damaged record is an error") {
  const dske::test::TemporaryDirectory directory;
  const auto file = directory.path() / "record.json";
  std::ofstream(file) << R"({"keys":[{"key_id":"x"}]})";
  CHECK_FALSE(FileKeyRecord::open(file).has_value());
}

}  // namespace dske::wireguard
