#include "etsi014/reader.h"

#include <string>

#include <doctest/doctest.h>

namespace dske::etsi014 {
namespace {

const std::string kStatus =
    R"({"source_KME_ID":"kme-a","target_KME_ID":"kme-b","master_SAE_ID":"alice","slave_SAE_ID":"bob","key_size":256,)"
    R"("stored_key_count":42,"max_key_count":1000,"max_key_per_request":128,"max_key_size":65536,"min_key_size":8,)"
    R"("max_SAE_ID_count":0,"status_extension":{"x":1}})";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("a key container that was written is read back") {
  std::vector<Key> keys;
  keys.push_back({KeyId::parse("bc490419-7d60-487f-adc1-4ddcc177c139").value(),
                  SecretBytes::copy_of("0123456789abcdef")});
  keys.push_back(
      {KeyId::parse("0a782fb5-3434-48fe-aa4d-14f41d46cf92").value(), SecretBytes::copy_of("\x80")});
  const auto read = read_key_container(key_container_json(keys).text());
  REQUIRE(read.has_value());
  REQUIRE(read->size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(read->at(i).id == keys[i].id);
    CHECK(constant_time_equal(read->at(i).value.view(), keys[i].value.view()));
  }
}

TEST_CASE("a key container with the standard's optional objects is read") {
  const auto read = read_key_container(
      R"({"keys":[{"key_ID":"BC490419-7D60-487F-ADC1-4DDCC177C139","key_ID_extension":{},"key":"AAE=",)"
      R"("key_extension":{"x":1}}],"key_container_extension":{}})");
  REQUIRE(read.has_value());
  CHECK(read->front().id.text() == "bc490419-7d60-487f-adc1-4ddcc177c139");
  CHECK(read->front().value.text() == std::string_view("\x00\x01", 2));
}

TEST_CASE("a key container that is wrong in any way is refused, and the key stays out of the message") {
  const struct {
    const char* json;
    const char* message;
  } cases[] = {
      {"[]", "key container: is an array, not an object"},
      {"{}", "key container: keys: is missing"},
      {R"({"keys":[]})", "key container: keys: is empty"},
      {R"({"keys":{"key_ID":"x","key":"AAE="}})", "key container: keys: is an object, not an array"},
      {R"({"keys":[5]})", "key container: keys[0]: is a number, not an object"},
      {R"({"keys":[{"key":"AAE="}]})", "key container: keys[0]: key_ID: is missing"},
      {R"({"keys":[{"key_ID":"x","key":"AAE="}]})",
       "key container: keys[0]: key_ID: not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"},
      {R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139"}]})",
       "key container: keys[0]: key: is missing"},
      {R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139","key":"AAE"}]})",
       "key container: keys[0]: key: not standard padded base64"},
      {R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139","key":"A-E="}]})",
       "key container: keys[0]: key: not standard padded base64"},
      {R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139","key":"AAF="}]})",
       "key container: keys[0]: key: not standard padded base64"},
      {R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139","key":""}]})",
       "key container: keys[0]: key: must be 1 to 16777216 bytes in base64"},
      {R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139","key":"AAE="},)"
       R"({"key_ID":"BC490419-7d60-487f-adc1-4ddcc177c139","key":"AAA="}]})",
       "key container: keys: holds the key_ID bc490419-7d60-487f-adc1-4ddcc177c139 twice"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.json);
    const auto read = read_key_container(test.json);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message == test.message);
  }
  CHECK(read_key_container("").error().message.starts_with("key container: not JSON: "));
}

TEST_CASE("a status is read whole, and written it is the same again") {
  const auto status = read_status(kStatus);
  REQUIRE(status.has_value());
  CHECK(status->source_kme_id == "kme-a");
  CHECK(status->target_kme_id == "kme-b");
  CHECK(status->master_sae_id.text() == "alice");
  CHECK(status->slave_sae_id.text() == "bob");
  CHECK(status->stored_key_count == 42);
  CHECK(status->limits.max_key_count == 1000);
  const auto again = read_status(to_json(*status).text());
  REQUIRE(again.has_value());
  CHECK(to_json(*again).text() == to_json(*status).text());
}

TEST_CASE("a status with a field missing, of the wrong type or in contradiction is refused") {
  for (const char* name :
       {"source_KME_ID", "target_KME_ID", "master_SAE_ID", "slave_SAE_ID", "key_size", "stored_key_count",
        "max_key_count", "max_key_per_request", "max_key_size", "min_key_size", "max_SAE_ID_count"}) {
    CAPTURE(name);
    const auto status = read_status(replaced(kStatus, std::string("\"") + name + "\"", "\"x\""));
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().message == std::string("status: ") + name + ": is missing");
    CHECK_FALSE(read_status(
        replaced(kStatus, std::string("\"") + name + "\":", std::string("\"") + name + "\":[],\"x\":")));
  }
  const struct {
    const char* what;
    const char* by;
  } cases[] = {{":42,", ":1001,"}, {":256,", ":0,"},     {":256,", ":65544,"},      {":128,", ":0,"},
               {":42,", ":-1,"},   {":42,", ":\"42\","}, {":1000,", ":2147483648,"}};
  for (const auto& test : cases) {
    CAPTURE(test.by);
    CHECK_FALSE(read_status(replaced(kStatus, test.what, test.by)).has_value());
  }
}

TEST_CASE("an error answer is read with its details") {
  const auto error =
      read_error(400, R"({"message":"no","details":[{"a":"b","c":5},{},{"d":[true,{"e":null}]}],"x":1})");
  REQUIRE(error.has_value());
  CHECK(error->status == 400);
  CHECK(error->message == "no");
  REQUIRE(error->details.size() == 3);
  CHECK(error->details[0].name == "a");
  CHECK(error->details[0].value == "b");
  CHECK(error->details[1].value == "5");
  CHECK(error->details[2].name == "d");
  CHECK(error->details[2].value == R"([true,{"e":null}])");
}

TEST_CASE("what is no error answer is refused") {
  for (const char* text : {"", "<html>", "[]", "{}", R"({"message":5})", R"({"message":"x","details":{}})",
                           R"({"message":"x","details":["y"]})"}) {
    CAPTURE(text);
    CHECK_FALSE(read_error(503, text).has_value());
  }
}

}  // namespace dske::etsi014
