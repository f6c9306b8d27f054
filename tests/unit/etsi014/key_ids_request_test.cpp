#include "etsi014/key_ids_request.h"

#include <string>

#include <doctest/doctest.h>

namespace dske::etsi014 {
namespace {

constexpr const char* kA = "bc490419-7d60-487f-adc1-4ddcc177c139";
constexpr const char* kB = "0a782fb5-3434-48fe-aa4d-14f41d46cf92";

void check_refused(const ApiResult<std::vector<KeyId>>& result, std::string_view message) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().status == 400);
  CHECK(result.error().message == message);
}

std::string entry(std::string_view key_id) {
  return std::string("{\"key_ID\":\"").append(key_id).append("\"}");
}
std::string body_of(const std::string& entries) {
  return "{\"key_IDs\":[" + entries + "]}";
}

}  // namespace

TEST_CASE("one key ID comes from the query, several from the body, in their order") {
  const auto one = parse_key_ids_request(std::string("key_ID=") + kA, "");
  REQUIRE(one.has_value());
  REQUIRE(one->size() == 1);
  CHECK(one->front().text() == kA);

  const auto two = parse_key_ids_request("", body_of(entry(kA) + "," + entry(kB)));
  REQUIRE(two.has_value());
  REQUIRE(two->size() == 2);
  CHECK(two->at(0).text() == kA);
  CHECK(two->at(1).text() == kB);
}

TEST_CASE("upper-case UUIDs name the same key") {
  const auto upper = parse_key_ids_request("key_ID=BC490419-7D60-487F-ADC1-4DDCC177C139", "");
  REQUIRE(upper.has_value());
  CHECK(upper->front() == KeyId::parse(kA).value());
  check_refused(
      parse_key_ids_request("", body_of(entry(kA) + "," + entry("BC490419-7D60-487F-ADC1-4DDCC177C139"))),
      std::string("key_IDs names ") + kA + " twice");
}

TEST_CASE("extensions and members and query names that nobody knows are ignored") {
  const std::string id = kA;
  for (const std::string& body :
       {R"({"key_IDs":[{"key_ID":")" + id + R"(","key_ID_extension":{"x":1}}],"key_IDs_extension":{"y":[]}})",
        R"({"key_IDs":[{"master_SAE_ID":"alice","key_ID":")" + id + R"("}],"Key_IDs":5})"}) {
    CAPTURE(body);
    const auto ids = parse_key_ids_request("x=1&x=2&number=z", body);
    REQUIRE(ids.has_value());
    CHECK(ids->front().text() == id);
  }
  CHECK(parse_key_ids_request("y=1&key_ID=" + id + "&key_IDs=2", "").has_value());
}

TEST_CASE("more key IDs than a Get key request may ask for are taken") {
  std::string entries;
  for (int i = 0; i < 5000; ++i) {
    std::string id = kA;
    const std::string digits = std::to_string(1000 + i);
    id.replace(0, digits.size(), digits);
    if (!entries.empty()) entries += ",";
    entries += entry(id);
  }
  const auto ids = parse_key_ids_request("", body_of(entries));
  REQUIRE(ids.has_value());
  CHECK(ids->size() == 5000);
}

TEST_CASE("forms of a UUID other than the 36 characters are refused") {
  const std::string bad = "not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  for (const std::string text :
       {"", "bc4904197d60487fadc14ddcc177c139", "{bc490419-7d60-487f-adc1-4ddcc177c139}",
        "urn:uuid:bc490419-7d60-487f-adc1-4ddcc177c139", "bc490419-7d60-487f-adc1-4ddcc177c13",
        "bc490419-7d60-487f-adc1-4ddcc177c1390", "bc490419-7d60-487f-adc1-4ddcc177c13g",
        "bc490419-7d60-487f-adc1_4ddcc177c139", "bc4904197-d60-487f-adc1-4ddcc177c139",
        " bc490419-7d60-487f-adc1-4ddcc177c13", "bc490419-7d60-487f-adc1-4ddcc177c139 ", "1",
        "../../etc/passwd"}) {
    CAPTURE(text);
    check_refused(parse_key_ids_request("key_ID=" + text, ""), "key_ID is " + bad);
    check_refused(parse_key_ids_request("", body_of(entry(kB) + "," + entry(text))),
                  "key_IDs[1].key_ID is " + bad);
  }
  check_refused(parse_key_ids_request("key_ID", ""), "key_ID is " + bad);
}

TEST_CASE("two key_ID parameters are refused with the advice to use POST") {
  check_refused(parse_key_ids_request(std::string("key_ID=") + kA + "&key_ID=" + kB, ""),
                "the query of the URL holds key_ID more than once; ask for several keys by POST with key_IDs "
                "in the body");
}

TEST_CASE("key IDs in the query and in the body are not mixed") {
  check_refused(parse_key_ids_request(std::string("key_ID=") + kA, body_of(entry(kB))),
                "give one key_ID in the query of the URL or key_IDs in the body, not both");
}

TEST_CASE("a request that names no key or is of the wrong form is refused") {
  check_refused(parse_key_ids_request("", ""),
                "no key is named: give key_ID in the query of the URL, or POST key_IDs");
  check_refused(parse_key_ids_request("number=1", ""),
                "no key is named: give key_ID in the query of the URL, or POST key_IDs");
  const struct {
    const char* body;
    const char* message;
  } cases[] = {
      {"[]", "the body is an array, not a JSON object"},
      {"{}", "key_IDs is missing from the body"},
      {R"({"key_ids":[]})", "key_IDs is missing from the body"},
      {R"({"key_IDs":[]})", "key_IDs is empty"},
      {R"({"key_IDs":null})", "key_IDs is null, not an array of objects"},
      {R"({"key_IDs":{"key_ID":"x"}})", "key_IDs is an object, not an array of objects"},
      {R"({"key_IDs":["bc490419-7d60-487f-adc1-4ddcc177c139"]})",
       "key_IDs[0] is a string, not an object with a key_ID"},
      {R"({"key_IDs":[{}]})", "key_IDs[0] has no key_ID"},
      {R"({"key_IDs":[{"key_id":"bc490419-7d60-487f-adc1-4ddcc177c139"}]})", "key_IDs[0] has no key_ID"},
      {R"({"key_IDs":[{"key_ID":5}]})", "key_IDs[0].key_ID is a number, not a string"},
      {R"({"key_IDs":[{"key_ID":null}]})", "key_IDs[0].key_ID is null, not a string"},
      {R"({"key_IDs":[{"key_ID":["bc490419-7d60-487f-adc1-4ddcc177c139"]}]})",
       "key_IDs[0].key_ID is an array, not a string"},
      {R"({"key_IDs":[{"key_ID":"a","key_ID":"a"}]})",
       "the body is unacceptable JSON: the name \"key_ID\" appears twice in one object"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.body);
    check_refused(parse_key_ids_request("", test.body), test.message);
  }
  const auto broken = parse_key_ids_request("", "{\"key_IDs\":[");
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().message.starts_with("the body is not JSON: "));
}

}  // namespace dske::etsi014
