// Polling requests: their headers, and what the tags depend on.
#include <string>

#include <doctest/doctest.h>

#include "dske/polling_authentication.h"
#include "fixed_randomness.h"
#include "sample_messages.h"

namespace dske {
namespace {

using test::kTag;

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

}  // namespace
}  // namespace dske
