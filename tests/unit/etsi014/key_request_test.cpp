#include "etsi014/key_request.h"

#include <string>

#include <doctest/doctest.h>

namespace dske::etsi014 {
namespace {

SaeId sae(std::string_view text) {
  return SaeId::parse(text).value();
}

const SaePair kSaes{sae("alice-1"), sae("bob-1")};

Limits multicast_limits() {
  Limits limits;
  limits.max_sae_id_count = 2;
  return limits;
}

ApiResult<KeyRequest> parse(std::string_view query, std::string_view body, const Limits& limits = {}) {
  return parse_key_request(query, body, kSaes, limits);
}

void check_refused(const ApiResult<KeyRequest>& result, std::string_view message) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().status == 400);
  CHECK(result.error().message == message);
}

constexpr const char* kNumberRange = "number must be an integer from 1 to 128 (max_key_per_request)";
constexpr const char* kSizeRange =
    "size must be an integer number of bits from 8 (min_key_size) to 65536 (max_key_size)";
constexpr const char* kSizeMultiple = "size shall be a multiple of 8";

}  // namespace

TEST_CASE("number and size come from the query or the body, each with its default") {
  const struct {
    const char* query;
    const char* body;
    std::uint32_t number;
    std::uint32_t size_bits;
  } cases[] = {
      {"", "", 1, 256},
      {"", "{}", 1, 256},
      {"", " \r\n\t{ } ", 1, 256},
      {"number=3", "", 3, 256},
      {"size=128", "", 1, 128},
      {"number=1&size=256", "", 1, 256},
      {"size=24", "", 1, 24},
      {"number=1&size=32", "", 1, 32},
      {"number=128&size=65536", "", 128, 65536},
      {"number=1&size=8", "", 1, 8},
      {"%6eumber=%32&size=6%34", "", 2, 64},
      {"&&number=2&", "", 2, 256},
      {"", R"({"number":3,"size":1024})", 3, 1024},
      {"number=3", R"({"size":1024})", 3, 1024},
      {"size=512", R"({"number":2})", 2, 512},
      {"format=raw&number=2&Number=9&x&=&=y", "", 2, 256},
      {"x=1&x=2", "", 1, 256},
      {"", R"({"vendor":{"number":9},"NUMBER":5,"Size":7})", 1, 256},
      {"", R"({"extension_optional":[{"abc_x":[1,null]},{}],"extension_mandatory":[]})", 1, 256},
      {"extension_optional=x", R"({"extension_mandatory":[{}]})", 1, 256},
  };
  for (const auto& test : cases) {
    CAPTURE(test.query);
    CAPTURE(test.body);
    const auto request = parse(test.query, test.body);
    REQUIRE_MESSAGE(request.has_value(), (request ? "" : request.error().message));
    CHECK(request->number == test.number);
    CHECK(request->size_bits == test.size_bits);
    CHECK(request->size_bytes() == test.size_bits / 8);
    CHECK(request->additional_slave_sae_ids.empty());
    CHECK(request->mandatory_extensions.empty());
  }
}

TEST_CASE("a request without size gets the KME's default size") {
  Limits limits;
  limits.key_size_bits = 512;
  CHECK(parse("", "", limits)->size_bits == 512);
}

TEST_CASE("a bad number or size is refused with the parameter and its limit, from query and body alike") {
  const struct {
    const char* value;
    const char* for_number;
    const char* for_size;
  } cases[] = {
      {"0", kNumberRange, kSizeRange},
      {"-1", kNumberRange, kSizeRange},
      {"-8", kNumberRange, kSizeRange},
      {"129", kNumberRange, kSizeMultiple},
      {"65537", kNumberRange, kSizeRange},
      {"65544", kNumberRange, kSizeRange},
      {"4294967297", kNumberRange, kSizeRange},
      {"4294967552", kNumberRange, kSizeRange},
      {"9223372036854775807", kNumberRange, kSizeRange},
      {"18446744073709551616", kNumberRange, kSizeRange},
      {"99999999999999999999999999", kNumberRange, kSizeRange},
      {"1e1", kNumberRange, kSizeRange},
      {"0e-117", kNumberRange, kSizeRange},
      {"0e74", kNumberRange, kSizeRange},
      {"16.0", kNumberRange, kSizeRange},
      {"\"16\"", kNumberRange, kSizeRange},
      {"true", kNumberRange, kSizeRange},
      {"null", kNumberRange, kSizeRange},
      {"[16]", kNumberRange, kSizeRange},
      {"{}", kNumberRange, kSizeRange},
  };
  for (const auto& test : cases) {
    CAPTURE(test.value);
    const std::string value = test.value;
    check_refused(parse("number=" + value, ""), test.for_number);
    check_refused(parse("size=" + value, ""), test.for_size);
    check_refused(parse("", "{\"number\":" + value + "}"), test.for_number);
    check_refused(parse("", "{\"size\":" + value + "}"), test.for_size);
  }
  for (const std::string value :
       {"", "12abc", "abc", "+5", "%2B5", " 5", "%205", "5%20", "0x10", "1,2", "%00", "5%00"}) {
    CAPTURE(value);
    check_refused(parse("number=" + value, ""), kNumberRange);
    check_refused(parse("size=" + value, ""), kSizeRange);
  }
  check_refused(parse("number", ""), kNumberRange);
  check_refused(parse("size", ""), kSizeRange);
}

TEST_CASE("a size that is no multiple of 8 gets the standard's message") {
  for (const std::string value : {"1", "7", "9", "12", "255", "257", "65535"}) {
    CAPTURE(value);
    check_refused(parse("size=" + value, ""), kSizeMultiple);
    check_refused(parse("", "{\"size\":" + value + "}"), kSizeMultiple);
  }
}

TEST_CASE("the limits are the KME's own") {
  Limits limits;
  limits.min_key_size_bits = 128;
  limits.max_key_size_bits = 1024;
  limits.max_key_per_request = 5;
  const char* range = "size must be an integer number of bits from 128 (min_key_size) to 1024 (max_key_size)";
  check_refused(parse("size=120", "", limits), range);
  check_refused(parse("size=1032", "", limits), range);
  check_refused(parse("number=6", "", limits), "number must be an integer from 1 to 5 (max_key_per_request)");
  CHECK(parse("number=5&size=128", "", limits).has_value());
  CHECK(parse("number=5&size=1024", "", limits).has_value());
}

TEST_CASE("a parameter that is given twice is refused, wherever it stands") {
  check_refused(parse("number=1&number=1", ""), "the query of the URL holds number more than once");
  check_refused(parse("size=8&number=1&%73ize=16", ""), "the query of the URL holds size more than once");
  check_refused(parse("number=1", R"({"number":1})"),
                "number is given twice, in the query of the URL and in the body");
  check_refused(parse("size=8", R"({"size":8})"),
                "size is given twice, in the query of the URL and in the body");
  check_refused(parse("", R"({"number":1,"number":2})"),
                "the body is unacceptable JSON: the name \"number\" appears twice in one object");
  check_refused(parse("", R"({"x":1,"x":2})"),
                "the body is unacceptable JSON: the name \"x\" appears twice in one object");
}

TEST_CASE("a malformed query or body is refused") {
  for (const std::string query : {"number=%", "number=%4", "number=%zz", "x=%", "%=1", "number=1&y=%e"}) {
    CAPTURE(query);
    check_refused(parse(query, ""),
                  "the query of the URL holds a percent sign that two hexadecimal digits do not follow");
  }
  check_refused(parse("", "[]"), "the body is an array, not a JSON object");
  check_refused(parse("", "null"), "the body is null, not a JSON object");
  check_refused(parse("", "\"number\""), "the body is a string, not a JSON object");
  for (const std::string_view body :
       {"{", "{}x", "number=1", "{number:1}", "{'number':1}", "{\"number\":01}", "{\"number\":+1}",
        "{\"number\":1,}", "\xef\xbb\xbf{}x", " ", "{\"number\":NaN}"}) {
    CAPTURE(body);
    const auto request = parse("", body);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().status == 400);
    CHECK(request.error().message.starts_with("the body is not JSON: "));
  }
}

TEST_CASE("a body that is not UTF-8 is refused, also when it ends within a character") {
  for (const std::string_view body :
       {"{\"a\":\"\x80\"}", "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\xed\xa0\x80\"}",
        "{\"\xff\":1}", "{\"a\":\"\xe9", "{\"a\":\"\xf0\x9f", "{\"\xf0"}) {
    CAPTURE(body);
    const auto request = parse("", body);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().status == 400);
  }
  check_refused(parse("", "{\"a\":\"\xe9\"}"), "the body is unacceptable JSON: a string that is not UTF-8");
}

TEST_CASE("additional slave SAEs are taken up to the KME's limit, in their order") {
  const auto request = parse("", R"({"additional_slave_SAE_IDs":["zoe","carol 2/é"]})", multicast_limits());
  REQUIRE(request.has_value());
  REQUIRE(request->additional_slave_sae_ids.size() == 2);
  CHECK(request->additional_slave_sae_ids[0].text() == "zoe");
  CHECK(request->additional_slave_sae_ids[1].text() == "carol 2/é");
}

TEST_CASE("additional slave SAEs that are none, repeated or too many are refused") {
  const struct {
    const char* ids;
    const char* message;
  } cases[] = {
      {"[]", "additional_slave_SAE_IDs is empty: leave it out, or name an SAE"},
      {"{}", "additional_slave_SAE_IDs is an object, not an array of strings"},
      {"\"carol\"", "additional_slave_SAE_IDs is a string, not an array of strings"},
      {"null", "additional_slave_SAE_IDs is null, not an array of strings"},
      {"[5]", "additional_slave_SAE_IDs holds a number, not only strings"},
      {R"(["carol",null])", "additional_slave_SAE_IDs holds null, not only strings"},
      {R"([""])",
       "additional_slave_SAE_IDs: an SAE ID is 1 to 512 bytes of UTF-8 without control characters"},
      {R"(["a\u0000"])",
       "additional_slave_SAE_IDs: an SAE ID is 1 to 512 bytes of UTF-8 without control characters"},
      {R"(["alice-1"])", "additional_slave_SAE_IDs names the master SAE \"alice-1\""},
      {R"(["carol","bob-1"])", "additional_slave_SAE_IDs names the slave SAE of the URL \"bob-1\" again"},
      {R"(["carol","carol"])", "additional_slave_SAE_IDs names \"carol\" twice"},
      {R"(["carol","\u0063arol"])", "additional_slave_SAE_IDs names \"carol\" twice"},
      {R"(["c","d","e"])", "additional_slave_SAE_IDs must name at most 2 SAEs (max_SAE_ID_count)"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.ids);
    check_refused(
        parse("", std::string("{\"additional_slave_SAE_IDs\":") + test.ids + "}", multicast_limits()),
        test.message);
  }
}

TEST_CASE("a KME without multicast refuses every additional slave SAE") {
  Limits limits;
  limits.max_sae_id_count = 0;
  check_refused(parse("", R"({"additional_slave_SAE_IDs":["carol"]})", limits),
                "additional_slave_SAE_IDs is not supported by this KME (max_SAE_ID_count is 0)");
  CHECK_FALSE(parse("", R"({"additional_slave_SAE_IDs":[]})", limits).has_value());
}

TEST_CASE("an SAE that is its own slave cannot have additional ones") {
  const SaePair self{sae("alice-1"), sae("alice-1")};
  CHECK(parse_key_request("", "{}", self, {}).has_value());
  check_refused(parse_key_request("", R"({"additional_slave_SAE_IDs":["carol"]})", self, {}),
                "additional_slave_SAE_IDs cannot be used with the caller's own SAE ID in the URL");
}

TEST_CASE("a bad parameter is named in the details, with its limits where it has some") {
  const auto details = [](const ApiResult<KeyRequest>& refused) {
    REQUIRE_FALSE(refused.has_value());
    std::string text;
    for (const auto& [name, value] : refused.error().details) text += name + "=" + value + " ";
    return text;
  };
  CHECK(details(parse("number=0", "")) == "parameter=number least=1 most=128 ");
  CHECK(details(parse("size=65544", "")) == "parameter=size least=8 most=65536 ");
  CHECK(details(parse("size=9", "")) == "parameter=size ");
  CHECK(details(parse("size=8&size=8", "")) == "parameter=size ");
  CHECK(details(parse("", R"({"additional_slave_SAE_IDs":["c","d","e"]})", multicast_limits())) ==
        "parameter=additional_slave_SAE_IDs least=1 most=2 ");
  CHECK(details(parse("", R"({"extension_optional":1})")) == "parameter=extension_optional ");
  CHECK(details(parse("", "[]")).empty());
}

TEST_CASE("what only a body can say is not ignored in the query") {
  check_refused(parse("additional_slave_SAE_IDs=carol", "", multicast_limits()),
                "additional_slave_SAE_IDs can only stand in the body of a POST request");
  check_refused(parse("extension_mandatory=x", ""),
                "extension_mandatory can only stand in the body of a POST request");
}

TEST_CASE("unsupported mandatory extensions are refused in the standard's words, each named in the details") {
  const auto request = parse("", R"({"extension_mandatory":[{"abc_x":1,"abc_y":{}},{},{"def_z":null}]})");
  check_refused(request, "not all extension_mandatory parameters are supported");
  REQUIRE(request.error().details.size() == 3);
  CHECK(request.error().details[0].value == "abc_x");
  CHECK(request.error().details[1].value == "abc_y");
  CHECK(request.error().details[2].value == "def_z");
  CHECK(to_json(request.error()).text() ==
        R"({"message":"not all extension_mandatory parameters are supported","details":[)"
        R"({"extension_mandatory_unsupported":"abc_x"},{"extension_mandatory_unsupported":"abc_y"},)"
        R"({"extension_mandatory_unsupported":"def_z"}]})");
}

TEST_CASE("supported mandatory extensions are handed on, and only the others are refused") {
  constexpr std::string_view kSupported[] = {"abc_x", "abc_y"};
  const auto request =
      parse_key_request("", R"({"extension_mandatory":[{"abc_y":1},{"abc_x":2}]})", kSaes, {}, kSupported);
  REQUIRE(request.has_value());
  REQUIRE(request->mandatory_extensions.size() == 2);
  CHECK(request->mandatory_extensions[0].name == "abc_y");
  CHECK(request->mandatory_extensions[0].value.integer() == 1);
  CHECK(request->mandatory_extensions[1].name == "abc_x");

  const auto mixed =
      parse_key_request("", R"({"extension_mandatory":[{"abc_y":1},{"def_z":2}]})", kSaes, {}, kSupported);
  check_refused(mixed, "not all extension_mandatory parameters are supported");
  REQUIRE(mixed.error().details.size() == 1);
  CHECK(mixed.error().details[0].value == "def_z");
}

TEST_CASE("optional extensions are handed on, known or not, with values of any type") {
  const auto request =
      parse("", R"({"extension_optional":[{"abc_x":[1,null]},{},{"def_z":{"a":"b"},"g_h":1.5}]})");
  REQUIRE(request.has_value());
  const KeyRequest copy = *request;  // the values live as long as any copy
  REQUIRE(copy.optional_extensions.size() == 3);
  CHECK(copy.optional_extensions[0].name == "abc_x");
  CHECK(copy.optional_extensions[0].value.elements().size() == 2);
  CHECK(copy.optional_extensions[1].value.member("a")->string() == "b");
  CHECK(copy.optional_extensions[2].value.number() == 1.5);
}

TEST_CASE("extensions of the wrong form are refused") {
  for (const std::string name : {"extension_mandatory", "extension_optional"}) {
    CAPTURE(name);
    const auto with = [&](const std::string& value) { return parse("", "{\"" + name + "\":" + value + "}"); };
    check_refused(with("{}"), name + " is an object, not an array of objects");
    check_refused(with("null"), name + " is null, not an array of objects");
    check_refused(with("\"x\""), name + " is a string, not an array of objects");
    check_refused(with("[\"x\"]"), name + " holds a string, not only objects");
    check_refused(with("[{},[]]"), name + " holds an array, not only objects");
    check_refused(with(R"([{"abc_x":1},{"abc_x":2}])"), name + " holds \"abc_x\" twice");
    check_refused(with(R"([{"a\n":1}])"), name + " holds a name with control characters");
    check_refused(with("[{\"" + std::string(257, 'a') + "\":1}]"),
                  name + " holds a name of more than 256 bytes");
    std::string many;
    for (int i = 0; i < 65; ++i) many += (many.empty() ? "{\"x" : ",{\"x") + std::to_string(i) + "\":1}";
    check_refused(with("[" + many + "]"), name + " holds more than 64 parameters");
  }
}

TEST_CASE("a long name that appears twice leaves the error message valid UTF-8") {
  std::string name(63, 'a');
  name += "éé";
  const auto request = parse("", "{\"" + name + "\":1,\"" + name + "\":2}");
  check_refused(request, "the body is unacceptable JSON: the name \"" + std::string(63, 'a') +
                             "\" appears twice in one object");
}

}  // namespace dske::etsi014
