// What comes from outside as text: headers, bodies, contexts, items. Each is read back as it was written, and
// everything else is refused.
#include <algorithm>
#include <functional>

#include <doctest/doctest.h>

#include "base/base64.h"
#include "base/json.h"
#include "dske/bundle_context.h"
#include "dske/items.h"
#include "dske/key_share_message.h"
#include "dske/polling_authentication.h"
#include "dske/registration_message.h"
#include "fixed_randomness.h"
#include "vectors.h"

namespace dske {
namespace {

const std::string kBlock = "0f8fad5b-d9cb-469f-a165-70867728950e";
const std::string kOther = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const std::string kTag = "AAECAwQFBgcICQoLDA0ODw==";

// The text with the first `from` replaced; the test fails if there is none.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

BundleContext context() {
  test::ReproducibleRandomness randomness(3);
  BundleContext made;
  made.id = BundleId::random(randomness);
  made.initiator = *ClientName::parse("carol");
  made.key_count = 2;
  made.key_size_bytes = 16;
  made.master = *SaeId::parse("carol");
  made.slaves = {{*SaeId::parse("celia"), *ClientName::parse("celia")},
                 {*SaeId::parse("d\xc3\xa4ve"), *ClientName::parse("dave")}};
  made.shares_required = 2;
  for (int i = 0; i < 3; ++i) made.hubs.push_back(HubId::random(randomness));
  return made;
}

TEST_CASE("allocations: a header's fragments are read as they are written") {
  for (const std::string& text :
       {kBlock + ":0:32", kBlock + ":281474976710655:1", kBlock + ":0:16," + kBlock + ":16:16",
        kBlock + ":96:16," + kOther + ":96:16"}) {
    CAPTURE(text);
    const auto allocation = parse_allocation(text);
    REQUIRE(allocation);
    CHECK(allocation_text(*allocation) == text);
  }
}

TEST_CASE("allocations: malformed, empty and overlapping fragments are refused") {
  std::string many = kBlock + ":0:1";
  for (int i = 1; i < 65; ++i) many += "," + kBlock + ":" + std::to_string(i) + ":1";
  for (const std::string& text : {std::string(),
                                  std::string(","),
                                  kBlock,
                                  kBlock + ":0",
                                  kBlock + ":0:",
                                  kBlock + "::1",
                                  kBlock + ":0:0",
                                  kBlock + ":00:1",
                                  kBlock + ":0:01",
                                  kBlock + ":-1:1",
                                  kBlock + ":+1:1",
                                  kBlock + ":0x1:1",
                                  kBlock + ": 0:1",
                                  kBlock + ":0:1 ",
                                  kBlock + ":0:1:2",
                                  kBlock + ":0:1,",
                                  "," + kBlock + ":0:1",
                                  kBlock + ":0:1;" + kOther + ":0:1",
                                  kBlock + ":281474976710656:1",
                                  kBlock + ":0:281474976710656",
                                  kBlock + ":99999999999999999999:1",
                                  kBlock.substr(1) + ":0:1",
                                  "{" + kBlock + "}:0:1",
                                  kBlock + ":0:32," + kBlock + ":31:1",
                                  kBlock + ":0:32," + kBlock + ":0:32",
                                  kBlock + ":10:5," + kOther + ":10:5," + kBlock + ":5:6",
                                  many}) {
    CAPTURE(text);
    CHECK_FALSE(parse_allocation(text));
  }
}

TEST_CASE("signatures: 32 bytes in all and a tag of 16 bytes, nothing else") {
  for (const std::string& key : {kBlock + ":64:32", kBlock + ":64:31," + kOther + ":0:1"}) {
    const auto signature = Signature::parse(key + ";" + kTag);
    REQUIRE(signature);
    CHECK(signature->text() == key + ";" + kTag);
    CHECK(signature->tag[15] == 15);
  }
  const std::string key = kBlock + ":64:32";
  for (const std::string& text :
       {std::string(), key, ";" + kTag, key + ";", key + ";;" + kTag, key + ";" + kTag + ";",
        key + ";" + kTag + " ", kBlock + ":64:31;" + kTag, kBlock + ":64:33;" + kTag,
        key + ";AAECAwQFBgcICQoLDA0O", key + ";AAECAwQFBgcICQoLDA0ODw", key + ";AAECAwQFBgcICQoLDA0ODxA=",
        key + ";AAECAwQFBgcICQoLDA0ODx==", key + ";AAECAwQFBgcICQoLDA0O-w==", key + "," + key + ";" + kTag}) {
    CAPTURE(text);
    CHECK_FALSE(Signature::parse(text));
  }
}

TEST_CASE("signatures: the tag depends on every part of a request and of its answer") {
  test::ReproducibleRandomness randomness(4);
  const Bytes key = randomness.data(32);
  const Bytes body{1, 2, 3};
  const Bytes other_body{1, 2, 4};
  const RequestParts request{HubId::random(randomness), Epoch::random(randomness), "GET", "/a?b=c", body};
  std::vector<RequestParts> others(5, request);
  others[0].hub = HubId::random(randomness);
  others[1].epoch = Epoch();
  others[2].method = "PUT";
  others[3].target = "/a?b=d";
  others[4].body = other_body;
  const MacTag tag = request_tag(key, request);
  const AnswerParts answer{tag, 200, body};
  const MacTag answered = answer_tag(key, request, answer);
  CHECK(answered != tag);
  for (std::size_t i = 0; i < others.size(); ++i) {
    CAPTURE(i);
    CHECK(request_tag(key, others[i]) != tag);
    // An answer's tag covers the request's body by the request's tag.
    if (i != 4) CHECK(answer_tag(key, others[i], answer) != answered);
  }
  MacTag other_tag = tag;
  other_tag[0] ^= 1;
  CHECK(answer_tag(key, request, {other_tag, 200, body}) != answered);
  CHECK(answer_tag(key, request, {tag, 404, body}) != answered);
  CHECK(answer_tag(key, request, {tag, 200, other_body}) != answered);
  // Bytes that move from one part to the next make another message.
  RequestParts moved = request;
  moved.method = "GE";
  moved.target = "T/a?b=c";
  CHECK(request_tag(key, moved) != tag);
}

TEST_CASE("polling headers: read as written, and refused when malformed") {
  const std::string hmac = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const auto request = PollingRequest::parse("carol;7;12;" + hmac);
  REQUIRE(request);
  CHECK(request->numbers.client.text() == "carol");
  CHECK(request->numbers.registration == 7);
  CHECK(request->numbers.counter == 12);
  CHECK(request->text() == "carol;7;12;" + hmac);
  CHECK(PollingAnswer::parse("12;" + hmac)->text() == "12;" + hmac);
  for (const std::string& text :
       {std::string(), std::string("carol;7;12"), "carol;7;12;" + hmac + ";", ";7;12;" + hmac,
        "car ol;7;12;" + hmac, "carol;-7;12;" + hmac, "carol;;12;" + hmac, "carol;7;1x;" + hmac,
        "carol;7;18446744073709551616;" + hmac, "carol;7;12;" + hmac.substr(4), "carol;7;12;" + kTag}) {
    CAPTURE(text);
    CHECK_FALSE(PollingRequest::parse(text));
  }
  for (const std::string& text :
       {std::string(), hmac, std::string("12;"), "x;" + hmac, "1;2;" + hmac, "12;" + kTag}) {
    CAPTURE(text);
    CHECK_FALSE(PollingAnswer::parse(text));
  }
}

TEST_CASE("polling: the tag depends on every part") {
  test::ReproducibleRandomness randomness(5);
  const Bytes key = randomness.data(32);
  const RequestParts request{HubId::random(randomness), Epoch::random(randomness), "GET", "/p", {}};
  const PollingNumbers numbers{*ClientName::parse("carol"), 3, 9};
  const PollingTag tag = polling_request_tag(key, request, numbers);
  const PollingTag answered = polling_answer_tag(key, request, numbers, tag, 200, {});
  CHECK(tag != answered);
  for (const PollingNumbers& other :
       {PollingNumbers{*ClientName::parse("celia"), 3, 9}, PollingNumbers{numbers.client, 4, 9},
        PollingNumbers{numbers.client, 3, 10}}) {
    CHECK(polling_request_tag(key, request, other) != tag);
    CHECK(polling_answer_tag(key, request, other, tag, 200, {}) != answered);
  }
  RequestParts other = request;
  other.epoch = Epoch();
  CHECK(polling_request_tag(key, other, numbers) != tag);
  CHECK(polling_answer_tag(key, request, numbers, tag, 404, {}) != answered);
  CHECK(polling_answer_tag(key, request, numbers, answered, 200, {}) != answered);
  CHECK(polling_answer_tag(key, request, numbers, tag, 200, Bytes{0}) != answered);
}

TEST_CASE("items: lists are read back, and any damage is noticed") {
  ItemWriter writer;
  writer.text("DSKE");
  writer.number(77);
  writer.bytes({});
  const Bytes bytes = writer.take();
  {
    ItemReader reader(bytes);
    CHECK(reader.text() == "DSKE");
    CHECK(reader.number(77) == 77);
    CHECK(reader.bytes().empty());
    CHECK(reader.finished());
  }
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ItemReader reader(ByteView(bytes).first(length));
    static_cast<void>(reader.text());
    static_cast<void>(reader.number(77));
    static_cast<void>(reader.bytes());
    CHECK_FALSE(reader.finished());
  }
  ItemReader too_large(bytes);
  static_cast<void>(too_large.text());
  CHECK(too_large.number(76) == 0);
  CHECK(too_large.failed());
  ItemReader too_early(bytes);
  static_cast<void>(too_early.text());
  CHECK_FALSE(too_early.finished());
  const Bytes ones(8, 0xff);
  ItemReader huge(ones);
  CHECK(huge.bytes().empty());
  CHECK(huge.failed());
  ItemReader no_uuid(bytes);
  static_cast<void>(no_uuid.uuid());
  CHECK(no_uuid.failed());
}

TEST_CASE("bundle ids: a key's id leads to its bundle and index") {
  test::ReproducibleRandomness randomness(6);
  const BundleId id = BundleId::random(randomness);
  CHECK(id.text().ends_with("0000"));
  for (const std::uint16_t index : std::initializer_list<std::uint16_t>{0, 1, 255, 256, 65535}) {
    const KeyId key = id.key_id(index);
    CHECK(BundleId::of(key) == id);
    CHECK(BundleId::index_of(key) == index);
  }
  CHECK(BundleId::parse(id.text()));
  CHECK_FALSE(BundleId::parse(id.key_id(1).text()));
  CHECK_FALSE(BundleId::parse(id.key_id(256).text()));
}

TEST_CASE("bundle contexts: encoding and JSON are read back as the same context") {
  const BundleContext made = context();
  CHECK(*BundleContext::decode(made.encode()) == made);
  json::Writer writer;
  made.write(writer);
  const auto document = json::Document::parse(writer.take().text());
  CHECK(*BundleContext::read(document->root()) == made);
}

TEST_CASE("bundle contexts: every change of one changes its bytes") {
  test::ReproducibleRandomness randomness(7);
  const std::vector<std::function<void(BundleContext&)>> changes{
      [&](BundleContext& c) { c.id = BundleId::random(randomness); },
      [](BundleContext& c) { c.initiator = *ClientName::parse("carola"); },
      [](BundleContext& c) { c.key_count = 1; },
      [](BundleContext& c) { c.key_size_bytes = 32; },
      [](BundleContext& c) { std::swap(c.key_count, c.key_size_bytes); },
      [](BundleContext& c) { c.master = *SaeId::parse("Carol"); },
      [](BundleContext& c) { c.slaves.pop_back(); },
      [](BundleContext& c) { std::swap(c.slaves[0], c.slaves[1]); },
      [](BundleContext& c) { c.slaves[0].sae_id = *SaeId::parse("celi"); },
      [](BundleContext& c) { c.slaves[0].client = *ClientName::parse("dave"); },
      [](BundleContext& c) { c.shares_required = 3; },
      [](BundleContext& c) { std::swap(c.hubs[1], c.hubs[2]); },
      [](BundleContext& c) { c.hubs.pop_back(); },
      [&](BundleContext& c) { c.hubs.push_back(HubId::random(randomness)); },
  };
  std::vector<Bytes> encodings{context().encode()};
  for (const auto& change : changes) {
    BundleContext changed = context();
    change(changed);
    const Bytes encoding = changed.encode();
    CHECK(std::find(encodings.begin(), encodings.end(), encoding) == encodings.end());
    CHECK(*BundleContext::decode(encoding) == changed);
    encodings.push_back(encoding);
  }
}

TEST_CASE("bundle contexts: damaged bytes are refused or are those of another context") {
  const Bytes bytes = context().encode();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(BundleContext::decode(ByteView(bytes).first(length)));
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const std::uint8_t change : std::initializer_list<std::uint8_t>{0x01, 0x20, 0x80}) {
      Bytes damaged = bytes;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ change);
      const auto decoded = BundleContext::decode(damaged);
      if (decoded) CHECK(decoded->encode() == damaged);
    }
  }
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(BundleContext::decode(longer));
}

TEST_CASE("bundle contexts: what is no bundle is refused") {
  const std::vector<std::function<void(BundleContext&)>> faults{
      [](BundleContext& c) { c.key_count = 0; },
      [](BundleContext& c) { c.key_count = 65537; },
      [](BundleContext& c) { c.key_size_bytes = 0; },
      [](BundleContext& c) { c.key_size_bytes = BundleContext::kKeyBytesMost + 1; },
      [](BundleContext& c) { c.key_count = 65536, c.key_size_bytes = 257; },
      [](BundleContext& c) { c.slaves.clear(); },
      [](BundleContext& c) { c.slaves[1] = c.slaves[0]; },
      [](BundleContext& c) { c.slaves[1].sae_id = c.slaves[0].sae_id; },
      [](BundleContext& c) { c.slaves[1].sae_id = c.master; },
      [](BundleContext& c) { c.shares_required = 0; },
      [](BundleContext& c) { c.shares_required = 1; },
      [](BundleContext& c) { c.shares_required = 4; },
      [](BundleContext& c) { c.hubs[2] = c.hubs[0]; },
      [](BundleContext& c) { c.hubs.clear(); },
      [](BundleContext& c) { c.hubs.resize(256); },
  };
  CHECK(context().check());
  for (std::size_t i = 0; i < faults.size(); ++i) {
    CAPTURE(i);
    BundleContext faulty = context();
    faults[i](faulty);
    CHECK_FALSE(faulty.check());
    CHECK_FALSE(BundleContext::decode(faulty.encode()));
    json::Writer writer;
    faulty.write(writer);
    const auto document = json::Document::parse(writer.take().text());
    CHECK_FALSE(BundleContext::read(document->root()));
  }
}

TEST_CASE("bundle contexts: the master may be its own only slave") {
  BundleContext alone = context();
  alone.slaves = {{alone.master, alone.initiator}};
  CHECK(alone.check());
}

KeyShareMessage key_share() {
  test::ReproducibleRandomness randomness(8);
  KeyShareMessage message;
  message.context = context();
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

RegistrationRequest registration() {
  RegistrationRequest request;
  request.client = *ClientName::parse("carol");
  request.number = 7;
  request.sae_ids = {*SaeId::parse("carol"), *SaeId::parse("other")};
  request.polling_key = {{*BlockId::parse(kBlock), 96, 32}};
  request.blocks = {{*BlockId::parse(kBlock), {128, 65536}, {524320, 589824}},
                    {*BlockId::parse(kOther), {1, 2}, {3, 4}}};
  return request;
}

TEST_CASE("registrations: read back as they are written, and each fault is refused") {
  const SecretBytes written = registration().write();
  const std::string text(written.text());
  const auto read = RegistrationRequest::parse(text);
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->write().text() == text);
  CHECK(read->blocks[0].own == PerZone<std::uint64_t>{128, 65536});
  CHECK(read->blocks[0].seen == PerZone<std::uint64_t>{524320, 589824});
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"protocol_version\":1", "\"protocol_version\":2"},
           {"\"client_name\":\"carol\"", "\"client_name\":7"},
           {"\"registration_number\":7", "\"registration_number\":0"},
           {"\"registration_number\":7", "\"registration_number\":9223372036854775808"},
           {"\"sae_ids\":[\"carol\"", "\"sae_ids\":[\"\""},
           {"\"sae_ids\":[\"carol\"", "\"sae_ids\":[null"},
           {"\"size\":32", "\"size\":31"},
           {"\"size\":32", "\"size\":64"},
           {"\"client_pad\":65536", "\"client_pad\":-1"},
           {"\"client_pad\":65536", "\"client_pad\":281474976710656"},
           {"\"client_pad\":65536,", ""},
           {"\"hub_pad_seen\":4", "\"hub_pad_seen\":4,\"more\":1"},
           {"{\"protocol", "{\"more\":1,\"protocol"},
       }) {
    const auto& shown_from = from;
    CAPTURE(shown_from);
    const auto& shown_to = to;
    CAPTURE(shown_to);
    CHECK_FALSE(RegistrationRequest::parse(replaced(text, from, to)));
  }
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK_FALSE(RegistrationRequest::parse(std::string_view(text).substr(0, length)));
  }
}

TEST_CASE("registration answers: read back as they are written, and what a later version adds is ignored") {
  test::ReproducibleRandomness randomness(9);
  RegistrationAnswer answer;
  answer.hub_id = HubId::random(randomness);
  answer.hub_name = *HubName::parse("hank");
  answer.epoch = Epoch::random(randomness);
  answer.sae_ids = {*SaeId::parse("carol")};
  answer.refused_sae_ids = {*SaeId::parse("other")};
  answer.limits = {1048608, 604800, 64};
  answer.blocks = registration().blocks;
  answer.unknown_blocks = {*BlockId::parse(kOther)};
  const SecretBytes written = answer.write();
  const std::string text(written.text());
  const auto read = RegistrationAnswer::parse(text);
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->write().text() == text);
  CHECK(RegistrationAnswer::parse(replaced(text, "{\"protocol", "{\"more\":1,\"protocol")));
  CHECK(RegistrationAnswer::parse(replaced(text, "\"slaves\":64", "\"slaves\":64,\"more\":1")));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"protocol_version\":1", "\"protocol_version\":2"},
           {"\"hub_name\":\"hank\"", "\"hub_name\":\"\""},
           {"\"epoch\":\"", "\"epoch\":\"x"},
           {"\"share_bytes\":1048608", "\"share_bytes\":0"},
           {"\"limits\":{", "\"limits\":{\"slaves\":1,"},
           {"\"hub_pad\":2", "\"hub_pad\":\"2\""},
           {"\"unknown_blocks\":[", "\"unknown_blocks\":[\"\","},
       }) {
    const auto& shown_from = from;
    CAPTURE(shown_from);
    CHECK_FALSE(RegistrationAnswer::parse(replaced(text, from, to)));
  }
}

}  // namespace
}  // namespace dske
