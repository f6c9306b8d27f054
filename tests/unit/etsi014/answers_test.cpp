#include <algorithm>

#include <doctest/doctest.h>

#include "base/json.h"
#include "etsi014/api_error.h"
#include "etsi014/key_container.h"
#include "etsi014/status.h"

namespace dske::etsi014 {
namespace {

SaeId sae(std::string_view text) {
  return SaeId::parse(text).value();
}

}  // namespace

TEST_CASE("a key container holds lower-case key IDs and padded standard base64") {
  std::vector<Key> keys;
  keys.push_back({KeyId::parse("BC490419-7D60-487F-ADC1-4DDCC177C139").value(),
                  SecretBytes::copy_of("\xfb\xff\xfe\xff")});
  keys.push_back(
      {KeyId::parse("0a782fb5-3434-48fe-aa4d-14f41d46cf92").value(), SecretBytes::copy_of("foobar")});
  CHECK(key_container_json(keys).text() ==
        R"({"keys":[{"key_ID":"bc490419-7d60-487f-adc1-4ddcc177c139","key":"+//+/w=="},)"
        R"({"key_ID":"0a782fb5-3434-48fe-aa4d-14f41d46cf92","key":"Zm9vYmFy"}]})");
}

TEST_CASE("a key container tells of extensions in key_container_extension, and only then has one") {
  std::vector<Key> keys;
  keys.push_back(
      {KeyId::parse("0a782fb5-3434-48fe-aa4d-14f41d46cf92").value(), SecretBytes::copy_of("foobar")});
  const std::vector<ContainerExtension> extension{{"DSKE_max_age_seconds", 600}, {"DSKE_hubs", 5}};
  CHECK(key_container_json(keys, extension).text() ==
        R"({"keys":[{"key_ID":"0a782fb5-3434-48fe-aa4d-14f41d46cf92","key":"Zm9vYmFy"}],)"
        R"("key_container_extension":{"DSKE_max_age_seconds":600,"DSKE_hubs":5}})");
}

TEST_CASE("a status holds the standard's eleven fields and nothing else") {
  Status status;
  status.source_kme_id = "kme-alice";
  status.target_kme_id = "kme-bob";
  status.master_sae_id = sae("alice \"1\"");
  status.slave_sae_id = sae("bob-é");
  status.stored_key_count = 42;
  status.limits.max_key_count = 1000;
  CHECK(to_json(status).text() ==
        R"({"source_KME_ID":"kme-alice","target_KME_ID":"kme-bob","master_SAE_ID":"alice \"1\"",)"
        R"("slave_SAE_ID":"bob-é","key_size":256,"stored_key_count":42,"max_key_count":1000,)"
        R"("max_key_per_request":128,"max_key_size":65536,"min_key_size":8,"max_SAE_ID_count":16})");
}

TEST_CASE("a status never tells more stored keys than max_key_count") {
  Status status;
  status.master_sae_id = sae("a");
  status.slave_sae_id = sae("b");
  status.limits.max_key_count = 10;
  for (const std::uint32_t stored : {9U, 10U, 11U, 4294967295U}) {
    status.stored_key_count = stored;
    const auto document = json::Document::parse(to_json(status).text());
    REQUIRE(document.has_value());
    CHECK(document->root().member("stored_key_count")->integer() == std::min(stored, 10U));
  }
}

TEST_CASE(
    "every error answer has the standard's status code and message, and no details unless it needs them") {
  const struct {
    ApiError error;
    int status;
    const char* json;
  } cases[] = {
      {bad_request("number is bad"), 400, R"({"message":"number is bad"})"},
      {bad_parameter("number", "number is bad", Range{1, 128}), 400,
       R"({"message":"number is bad","details":[{"parameter":"number"},{"least":"1"},{"most":"128"}]})"},
      {size_not_in_bytes(), 400,
       R"({"message":"size shall be a multiple of 8","details":[{"parameter":"size"}]})"},
      {unsupported_mandatory_extensions({"abc_x"}), 400,
       R"({"message":"not all extension_mandatory parameters are supported",)"
       R"("details":[{"extension_mandatory_unsupported":"abc_x"}]})"},
      {unmet_mandatory_extensions({{"abc_x", "is too much"}, {"abc_y", "is too little"}}), 400,
       R"({"message":"not all extension_mandatory request options could be met",)"
       R"("details":[{"extension_mandatory_unmet":"abc_x: is too much"},)"
       R"({"extension_mandatory_unmet":"abc_y: is too little"}]})"},
      {unknown_saes({sae("bob é")}), 400,
       R"({"message":"the SAE ID \"bob é\" is not known in this key network",)"
       R"("details":[{"unknown_SAE_ID":"bob é"}]})"},
      {unknown_saes({sae("a"), sae("b")}), 400,
       R"({"message":"the SAE IDs \"a\", \"b\" are not known in this key network",)"
       R"("details":[{"unknown_SAE_ID":"a"},{"unknown_SAE_ID":"b"}]})"},
      {keys_not_found({KeyId::parse("0a782fb5-3434-48fe-aa4d-14f41d46cf92").value()}), 400,
       R"({"message":"one or more keys specified are not found on KME",)"
       R"("details":[{"key_ID":"0a782fb5-3434-48fe-aa4d-14f41d46cf92"}]})"},
      {pair_not_allowed(sae("a"), {sae("b"), sae("c")}), 401,
       R"({"message":"this KME does not allow keys of the master SAE \"a\" for the slave SAE \"b\", \"c\"",)"
       R"("details":[{"slave_SAE_ID":"b"},{"slave_SAE_ID":"c"}]})"},
      {not_named_for_keys(), 401,
       R"({"message":"this SAE was not named, with this master SAE, when the requested keys were made"})"},
      {unauthorized("no SAE in the certificate"), 401, R"({"message":"no SAE in the certificate"})"},
      {unknown_path(), 404,
       R"({"message":"there is nothing here; the paths are /api/v1/keys/{SAE_ID}/status, enc_keys and dec_keys"})"},
      {unsupported_media_type(), 415,
       R"({"message":"the Content-Type of the body must be application/json"})"},
      {unavailable("hub A does not answer"), 503, R"({"message":"hub A does not answer"})"},
      {unavailable("no hub answers", {{"hub", "a: off"}}), 503,
       R"({"message":"no hub answers","details":[{"hub":"a: off"}]})"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.json);
    CHECK(test.error.status == test.status);
    CHECK(to_json(test.error).text() == test.json);
  }
}

TEST_CASE("an answer does not grow without end with what was asked for") {
  std::vector<KeyId> keys(101, KeyId::parse("0a782fb5-3434-48fe-aa4d-14f41d46cf92").value());
  const ApiError missing = keys_not_found(keys);
  REQUIRE(missing.details.size() == 101);
  CHECK(missing.details[99].name == "key_ID");
  CHECK(missing.details[100].name == "further_keys");
  CHECK(missing.details[100].value == "1");
  std::vector<SaeId> saes;
  for (int i = 0; i < 10; ++i) saes.push_back(sae("s" + std::to_string(i)));
  const ApiError unknown = unknown_saes(saes);
  CHECK(
      unknown.message ==
      R"(the SAE IDs "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7" and 2 more are not known in this key network)");
  CHECK(unknown.details.size() == 10);
}

}  // namespace dske::etsi014
