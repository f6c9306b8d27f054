#include "openapi/documents.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/json.h"
#include "etsi014/api_error.h"
#include "etsi014/limits.h"
#include "etsi014/reader.h"

namespace dske::openapi {
namespace {

// The value at a path of member names; fails the test if there is none.
json::Value at(json::Value value, const std::vector<std::string_view>& path) {
  for (const std::string_view name : path) {
    const auto member = value.member(name);
    REQUIRE_MESSAGE(member.has_value(), "no member ", std::string(name));
    value = *member;
  }
  return value;
}

std::string text_of(json::Value value) {
  return json::Writer().value(value).take_text();
}

}  // namespace

TEST_CASE("every embedded description is OpenAPI 3.1 with a title and paths") {
  for (const std::string_view text : {etsi014_json(), hub_json(), kme_management_json()}) {
    const auto document = json::Document::parse(text);
    REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().message));
    const json::Value root = document->root();
    CHECK(at(root, {"openapi"}).string() == "3.1.0");
    CHECK_FALSE(at(root, {"info", "title"}).string()->empty());
    CHECK_FALSE(at(root, {"paths"}).member_names().empty());
  }
}

TEST_CASE("the limits of the key delivery description are the KME's defaults") {
  const auto document = json::Document::parse(etsi014_json());
  REQUIRE(document.has_value());
  const etsi014::Limits limits;
  const json::Value properties = at(document->root(), {"components", "schemas", "KeyRequest", "properties"});
  CHECK(at(properties, {"number", "maximum"}).integer() == limits.max_key_per_request);
  CHECK(at(properties, {"size", "minimum"}).integer() == limits.min_key_size_bits);
  CHECK(at(properties, {"size", "maximum"}).integer() == limits.max_key_size_bits);
  CHECK(at(properties, {"size", "default"}).integer() == limits.key_size_bits);
}

TEST_CASE("the examples of the key delivery description are what the KME's clients accept") {
  const auto document = json::Document::parse(etsi014_json());
  REQUIRE(document.has_value());
  const json::Value root = document->root();
  CHECK(etsi014::read_status(
            text_of(at(root, {"paths", "/api/v1/keys/{slave_SAE_ID}/status", "get", "responses", "200",
                              "content", "application/json", "examples", "status", "value"})))
            .has_value());
  const json::Value responses = at(root, {"components", "responses"});
  const std::vector<std::string_view> examples{"content", "application/json", "examples"};
  CHECK(etsi014::read_key_container(
            text_of(at(at(at(responses, {"KeyContainer"}), examples), {"keys", "value"})))
            .has_value());
  for (const std::string_view name : responses.member_names()) {
    if (name == "KeyContainer" || name == "OtherError") continue;
    const json::Value all = at(at(responses, {name}), examples);
    for (const std::string_view example : all.member_names()) {
      CAPTURE(std::string(example));
      CHECK(etsi014::read_error(400, text_of(at(all, {example, "value"}))).has_value());
    }
  }
}

TEST_CASE("the messages that the standard mandates are described word for word") {
  const std::string_view text = etsi014_json();
  for (const etsi014::ApiError& error :
       {etsi014::size_not_in_bytes(), etsi014::unsupported_mandatory_extensions({}),
        etsi014::keys_not_found(), etsi014::not_named_for_keys(), etsi014::unsupported_media_type()}) {
    CAPTURE(error.message);
    CHECK(text.find("\"message\":\"" + error.message + "\"") != std::string_view::npos);
  }
}

TEST_CASE(
    "the documentation page refers to nothing outside itself, and its policy allows only its own parts") {
  const std::string_view page = docs_page_html();
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.find("</html>") != std::string_view::npos);
  for (const std::string_view reference :
       {"http://", "https://", "src=", " style=", "onclick=\"", "innerHTML", "@import", "url("}) {
    CAPTURE(std::string(reference));
    CHECK(page.find(reference) == std::string_view::npos);
  }
  const std::string_view policy = docs_page_content_security_policy();
  CHECK(policy.starts_with("default-src 'none'; style-src 'sha256-"));
  CHECK(policy.find("unsafe") == std::string_view::npos);
}

}  // namespace dske::openapi
