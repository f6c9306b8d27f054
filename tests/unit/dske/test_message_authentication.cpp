// Signatures under one-time keys: their text, and what the tags depend on.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "dske/message_authentication.h"
#include "fixed_randomness.h"
#include "sample_messages.h"

namespace dske {
namespace {

using test::kBlock;
using test::kOther;
using test::kTag;

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

}  // namespace
}  // namespace dske
