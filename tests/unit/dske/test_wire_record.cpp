// The judge of the simulated wire must itself find what it is there to find.
#include <doctest/doctest.h>

#include "base/base64.h"
#include "fixed_randomness.h"
#include "wire_record.h"

namespace dske::test {
namespace {

const PsrdLayout kLayout{64, 64, 64, 64};

struct Wire {
  Wire() { record.add_block(block, kLayout); }

  void request(std::uint64_t start, const std::string& target = "/sae/carol", const std::string& body = "") {
    const std::string signature =
        block.text() + ":" + std::to_string(start) + ":32;" + base64_text(Bytes(16));
    record.request(hub, {body.empty() ? "GET" : "POST", target, "DSKE-Signature", signature,
                         SecretBytes::copy_of(body)});
  }
  void share(std::uint64_t key_start, std::uint64_t pad_start) {
    const std::string head = "{\"allocation\":[{\"block_uuid\":\"" + block.text() +
                             "\",\"start\":" + std::to_string(pad_start) + ",\"size\":32}]}";
    request(key_start, "/key-share", std::string(3, '\0') + static_cast<char>(head.size()) + head + "share");
  }

  ReproducibleRandomness randomness{1};
  HubId hub = HubId::random(randomness);
  BlockId block = BlockId::random(randomness);
  WireRecord record;
};

TEST_CASE("wire record: different bytes, and the same message again, are no fault") {
  Wire wire;
  wire.request(0);
  wire.request(0);
  wire.share(32, 64);
  wire.share(32, 64);
  CHECK(wire.record.faults().empty());
  CHECK(wire.record.used_bytes(Side::client, Zone::authenticator) == 64);
  CHECK(wire.record.used_bytes(Side::client, Zone::pad) == 32);
}

TEST_CASE("wire record: bytes of two messages, of another zone or of no block are faults") {
  Wire reused;
  reused.request(0);
  reused.request(0, "/sae/celia");
  CHECK(reused.record.faults().size() == 1);
  Wire overlapping;
  overlapping.request(0);
  overlapping.request(31);
  CHECK_FALSE(overlapping.record.faults().empty());
  Wire pad_reused;
  pad_reused.share(0, 64);
  pad_reused.share(32, 80);
  CHECK(pad_reused.record.faults().size() == 1);
  Wire pad_as_key;
  pad_as_key.request(64);
  CHECK(pad_as_key.record.faults().size() == 1);
  Wire key_as_pad;
  key_as_pad.share(0, 32);
  CHECK(key_as_pad.record.faults().size() == 1);
  Wire unknown;
  unknown.block = BlockId::random(unknown.randomness);
  unknown.request(0);
  CHECK(unknown.record.faults().size() == 1);
}

}  // namespace
}  // namespace dske::test
