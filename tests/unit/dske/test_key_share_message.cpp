// Key shares: read back as they were written, and everything else is refused.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "dske/key_share_message.h"
#include "fixed_randomness.h"
#include "sample_messages.h"
#include "vectors.h"

namespace dske {
namespace {

using test::kBlock;
using test::kOther;
using test::replaced;

KeyShareMessage key_share() {
  test::ReproducibleRandomness randomness(8);
  KeyShareMessage message;
  message.context = test::sample_context();
  message.encrypted_share = randomness.bytes(message.context.share_bytes());
  message.allocation = {{*BlockId::parse(kBlock), 100, 60}, {*BlockId::parse(kOther), 0, 4}};
  message.secret_tag[2] = 9;
  message.lifetime = std::chrono::seconds(86400);
  return message;
}

// The body that has this head and this share.
std::string share_body(const std::string& head, const std::string& share) {
  std::string body;
  for (int i = 3; i >= 0; --i) body.push_back(static_cast<char>(head.size() >> (8 * i)));
  return body + head + share;
}

std::size_t head_size(std::string_view body) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<std::uint8_t>(body[i]);
  return size;
}

// The body with the first `from` of its head replaced.
std::string head_replaced(const std::string& body, const std::string& from, const std::string& to) {
  const std::size_t head = head_size(body);
  return share_body(replaced(body.substr(4, head), from, to), body.substr(4 + head));
}

TEST_CASE("key shares: agree with the vectors") {
  for (const test::Vector& vector : test::read_vectors("dske/key_share.vec")) {
    CAPTURE(vector.where());
    const Bytes body = vector.bytes("Body");
    const auto read = KeyShareMessage::parse(as_text(body));
    CHECK(read.has_value() == vector.valid());
    if (!read) continue;
    CHECK(test::to_hex(read->context.encode()) == vector.text("Context"));
    CHECK((read->source == ShareSource::psrd) == (vector.text("Source") == "psrd"));
    CHECK(test::to_hex(read->encrypted_share.view()) == (vector.has("Share") ? vector.text("Share") : ""));
    CHECK(allocation_text(read->allocation) == vector.text("Allocation"));
    CHECK(test::to_hex(read->secret_tag) == vector.text("Tag"));
    CHECK(static_cast<std::uint64_t>(read->lifetime.count()) == vector.number("Lifetime"));
    CHECK(test::to_hex(read->write().view()) == test::to_hex(body));
  }
}

TEST_CASE("key shares: read back as they are written") {
  const KeyShareMessage message = key_share();
  const SecretBytes text = message.write();
  const auto read = KeyShareMessage::parse(text.text());
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->context == message.context);
  CHECK(constant_time_equal(read->encrypted_share.view(), message.encrypted_share.view()));
  CHECK(read->allocation == message.allocation);
  CHECK(read->secret_tag == message.secret_tag);
  CHECK(read->lifetime == message.lifetime);
  CHECK(read->write().text() == text.text());
}

TEST_CASE("key shares: one that is PSRD is not sent") {
  KeyShareMessage message = key_share();
  const SecretBytes pad = std::move(message.encrypted_share);
  message.encrypted_share = SecretBytes();
  message.source = ShareSource::psrd;
  const SecretBytes text = message.write();
  CHECK(text.size() == 4 + head_size(text.text()));
  auto read = KeyShareMessage::parse(text.text());
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->source == ShareSource::psrd);
  CHECK(read->allocation == message.allocation);
  CHECK(constant_time_equal(read->take_share(pad.clone()).view(), pad.view()));
  const std::string good(text.text());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"psrd\"", "\"PSRD\""},
           {"\"psrd\"", "\"\""},
           {"\"psrd\"", "7"},
           {"\"share_from\"", "\"share\""},
           {"\"share_from\":\"psrd\"", "\"share_from\":\"psrd\",\"encrypted_share\":\"AAAA\""},
           {"\"size\":4", "\"size\":5"},
       }) {
    const auto& shown_to = to;
    CAPTURE(shown_to);
    CHECK_FALSE(KeyShareMessage::parse(head_replaced(good, from, to)));
  }
  CHECK_FALSE(KeyShareMessage::parse(good + "x"));
  CHECK_FALSE(KeyShareMessage::parse(good + std::string(pad.text())));
}

TEST_CASE("key shares: each fault is refused") {
  const SecretBytes written = key_share().write();
  const std::string text(written.text());
  REQUIRE(KeyShareMessage::parse(text));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"context\":", "\"kontext\":"},
           {"\"version\":1", "\"version\":2"},
           {"\"version\":1,", ""},
           {"\"key_count\":2", "\"key_count\":3"},
           {"\"key_count\":2", "\"key_count\":0"},
           {"\"key_count\":2", "\"key_count\":\"2\""},
           {"\"key_count\":2", "\"key_count\":2.0"},
           {"\"key_size_bytes\":16", "\"key_size_bytes\":-16"},
           {"\"initiator\":\"carol\"", "\"initiator\":\"ca rol\""},
           {"\"initiator\":\"carol\"", "\"initiator\":\"\""},
           {"\"sae_id\":\"celia\",", ""},
           {"\"sae_id\":\"celia\"", "\"sae_id\":\"celia\",\"more\":1"},
           {"\"shares_required\":2", "\"shares_required\":1"},
           {"\"hubs\":[", "\"hubs\":[7,"},
           {"\"hubs\":[", "\"hubs\":[\"\","},
           {"\"secret_tag\"", "\"encrypted_share\":\"AAAA\",\"secret_tag\""},
           {"\"allocation\"", "\"share_from\":\"psrd\",\"allocation\""},
           {"\"size\":4", "\"size\":5"},
           {"\"size\":4", "\"size\":0"},
           {"\"start\":0", "\"start\":-1"},
           {"\"start\":0", "\"start\":281474976710656"},
           {kOther, kBlock.substr(0, 35)},
           {"\"secret_tag\":\"AAAJ", "\"secret_tag\":\"AAAJAAAJ"},
           {"\"lifetime_seconds\":86400", "\"lifetime_seconds\":0"},
           {"\"lifetime_seconds\":86400", "\"lifetime_seconds\":31622401"},
           {"\"lifetime_seconds\":86400", "\"lifetime_seconds\":86400,\"more\":1"},
       }) {
    const auto& shown_from = from;
    CAPTURE(shown_from);
    const auto& shown_to = to;
    CAPTURE(shown_to);
    CHECK_FALSE(KeyShareMessage::parse(head_replaced(text, from, to)));
  }
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK_FALSE(KeyShareMessage::parse(std::string_view(text).substr(0, length)));
  }
  CHECK_FALSE(KeyShareMessage::parse(text + "x"));
  const std::string head = text.substr(4, head_size(text));
  CHECK_FALSE(KeyShareMessage::parse(head));
  CHECK_FALSE(KeyShareMessage::parse(share_body(head + " ", text.substr(5 + head.size()))));
  for (const char* other : {"", "null", "[]", "{}", "7"}) {
    CHECK_FALSE(KeyShareMessage::parse(other));
    CHECK_FALSE(KeyShareMessage::parse(share_body(other, text.substr(4 + head.size()))));
  }
}

TEST_CASE("key shares: fragments of one allocation may not overlap") {
  KeyShareMessage message = key_share();
  message.allocation = {{*BlockId::parse(kBlock), 100, 60}, {*BlockId::parse(kBlock), 159, 4}};
  CHECK_FALSE(KeyShareMessage::parse(message.write().text()));
}

}  // namespace
}  // namespace dske
