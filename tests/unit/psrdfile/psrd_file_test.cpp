#include "psrdfile/psrd_file.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "dske/fixed_randomness.h"

namespace dske {
namespace {

PsrdFile file(std::uint64_t client_half = 256, std::uint64_t hub_half = 512) {
  test::ReproducibleRandomness randomness(1);
  PsrdFile made;
  made.hub_id = HubId::random(randomness);
  made.hub_name = *HubName::parse("hank");
  made.endpoint = "http://192.0.2.1:8100";
  made.client_id = ClientId::random(randomness);
  made.client_name = *ClientName::parse("carol");
  made.block = BlockId::random(randomness);
  made.layout = PsrdLayout::of_halves(client_half, hub_half);
  made.data = randomness.bytes(made.layout.total());
  return made;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

TEST_CASE("PSRD layout: a quarter of each half is for authenticators unless told otherwise, in whole keys") {
  const PsrdLayout layout = PsrdLayout::of_halves(131072, 1000);
  CHECK(layout == PsrdLayout{32768, 98304, 224, 776});
  CHECK(layout.begin(Side::client, Zone::authenticator) == 0);
  CHECK(layout.begin(Side::client, Zone::pad) == 32768);
  CHECK(layout.begin(Side::hub, Zone::authenticator) == 131072);
  CHECK(layout.begin(Side::hub, Zone::pad) == 131072 + 224);
  CHECK(layout.end(Side::hub, Zone::pad) == layout.total());
  CHECK(layout.check());
  CHECK(PsrdLayout::of_halves({131072, 50}, {1000, 99}) == PsrdLayout{65536, 65536, 960, 40});
  CHECK(PsrdLayout::of_halves({1000, 1}, 1000).check().has_value() == false);
  CHECK_FALSE(PsrdLayout::of_halves(127, 1000).check());
  CHECK(PsrdLayout{32, 32, 32, std::uint64_t{1} << 30}.check());
  CHECK_FALSE(PsrdLayout{32, 32, 32, (std::uint64_t{1} << 30) + 1}.check());
}

TEST_CASE("PSRD file: read back as it was written") {
  const PsrdFile made = file();
  const SecretBytes text = made.write();
  const auto read = PsrdFile::parse(text.text());
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->hub_id == made.hub_id);
  CHECK(read->hub_name == made.hub_name);
  CHECK(read->endpoint == made.endpoint);
  CHECK(read->client_id == made.client_id);
  CHECK(read->client_name == made.client_name);
  CHECK(read->block == made.block);
  CHECK(read->layout == made.layout);
  CHECK(constant_time_equal(read->data.view(), made.data.view()));
}

TEST_CASE("PSRD file: any damage to a field is found") {
  const PsrdFile made = file();
  const SecretBytes written = made.write();
  const std::string text(written.text());
  // Changes that leave a well-formed file are found by the checksum.
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"hank\"", "\"hanl\""},
           {"192.0.2.1", "192.0.2.2"},
           {"\"carol\"", "\"carom\""},
           {"\"client_authenticator\":64,\"client_pad\":192",
            "\"client_authenticator\":96,\"client_pad\":160"},
           {"\"hub_authenticator\":128,\"hub_pad\":384", "\"hub_authenticator\":160,\"hub_pad\":352"},
           {made.hub_id.text(), made.client_id.text()},
           {made.block.text(), made.client_id.text()},
       }) {
    const auto& shown_from = from;
    CAPTURE(shown_from);
    const auto read = PsrdFile::parse(replaced(text, from, to));
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::corrupt);
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"dske-psrd-1", "dske-psrd-2"},
           {"\"hub\":{", "\"hub\":{\"more\":1,"},
           {"\"client\":{", "\"client\":{\"more\":1,"},
           {"\"zones\":{", "\"zones\":{\"more\":1,"},
           {"{\"format\"", "{\"more\":1,\"format\""},
           {"http://", "ftp://"},
           {"\"client_pad\":192", "\"client_pad\":191"},
           {"\"client_pad\":192", "\"client_pad\":31"},
           {"\"client_pad\":192", "\"client_pad\":-192"},
           {"\"hub_pad\":384", "\"hub_pad\":1073741825"},
           {"\"client_half\":\"", "\"client_half\":\"AAAA"},
           {"\"hub_half\":\"", "\"hub_half\":\"*"},
           {"\"checksum\":\"", "\"checksum\":\"0"},
       }) {
    const auto& shown_from = from;
    CAPTURE(shown_from);
    CHECK_FALSE(PsrdFile::parse(replaced(text, from, to)));
  }
}

TEST_CASE("PSRD file: every flipped bit and every truncation of a small file is found") {
  const SecretBytes written = file(128, 128).write();
  const std::string text(written.text());
  REQUIRE(PsrdFile::parse(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    CHECK_FALSE(PsrdFile::parse(std::string_view(text).substr(0, i)));
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 7)));
    const auto read = PsrdFile::parse(damaged);
    // Upper case in a UUID says the same.
    if (read) CHECK(read->write().text() == text);
  }
}

TEST_CASE("endpoints: scheme, host and port, nothing more") {
  for (const char* good : {"http://a", "https://hub.example:8100", "http://192.0.2.1:1",
                           "http://[2001:db8::1]:65535", "http://[::1]"}) {
    CAPTURE(good);
    CHECK(check_endpoint(good));
  }
  for (const char* bad : {"",
                          "a",
                          "http:",
                          "http://",
                          "http://a/",
                          "http://a/b",
                          "http://a?b",
                          "http://u@a",
                          "http://a:",
                          "http://a:0",
                          "http://a:65536",
                          "http://a:1x",
                          "http://a:b:1",
                          "http://:1",
                          "http://[",
                          "http://[::1",
                          "http://[]",
                          "http://::1",
                          "http://[::1]1",
                          "http://a b",
                          "http://a\n",
                          "ftp://a",
                          "HTTP://a",
                          "http://[a.b]",
                          "http://a]"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_endpoint(bad));
  }
}

}  // namespace
}  // namespace dske
