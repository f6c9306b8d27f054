// Bundle ids and contexts: read back as they were written, and everything else is refused.
#include <algorithm>
#include <functional>
#include <vector>

#include <doctest/doctest.h>

#include "base/json.h"
#include "dske/bundle_context.h"
#include "fixed_randomness.h"
#include "sample_messages.h"

namespace dske {
namespace {

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
  const BundleContext made = test::sample_context();
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
  std::vector<Bytes> encodings{test::sample_context().encode()};
  for (const auto& change : changes) {
    BundleContext changed = test::sample_context();
    change(changed);
    const Bytes encoding = changed.encode();
    CHECK(std::find(encodings.begin(), encodings.end(), encoding) == encodings.end());
    CHECK(*BundleContext::decode(encoding) == changed);
    encodings.push_back(encoding);
  }
}

TEST_CASE("bundle contexts: damaged bytes are refused or are those of another context") {
  const Bytes bytes = test::sample_context().encode();
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
  CHECK(test::sample_context().check());
  for (std::size_t i = 0; i < faults.size(); ++i) {
    CAPTURE(i);
    BundleContext faulty = test::sample_context();
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
  BundleContext alone = test::sample_context();
  alone.slaves = {{alone.master, alone.initiator}};
  CHECK(alone.check());
}

}  // namespace
}  // namespace dske
