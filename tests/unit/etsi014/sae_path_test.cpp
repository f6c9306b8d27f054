#include "etsi014/sae_path.h"

#include <string>

#include <doctest/doctest.h>

namespace dske::etsi014 {

TEST_CASE("the three resources of any SAE ID are found and its percent-encoding undone") {
  const struct {
    const char* path;
    const char* sae;
    Resource resource;
  } cases[] = {
      {"/api/v1/keys/bob/status", "bob", Resource::status},
      {"/api/v1/keys/bob/enc_keys", "bob", Resource::enc_keys},
      {"/api/v1/keys/bob/dec_keys", "bob", Resource::dec_keys},
      {"/api/v1/keys/status/status", "status", Resource::status},
      {"/api/v1/keys/b%6fb/status", "bob", Resource::status},
      {"/api/v1/keys/b+b/status", "b+b", Resource::status},
      {"/api/v1/keys/bob%20smith/status", "bob smith", Resource::status},
      {"/api/v1/keys/CN%3Dbob%2CO%3DExample/status", "CN=bob,O=Example", Resource::status},
      {"/api/v1/keys/a%2Fb/enc_keys", "a/b", Resource::enc_keys},
      {"/api/v1/keys/a%252Fb/enc_keys", "a%2Fb", Resource::enc_keys},
      {"/api/v1/keys/%C3%A9/status", "é", Resource::status},
      {"/api/v1/keys/é/status", "é", Resource::status},
      {"/api/v1/keys/../status", "..", Resource::status},
      {"/api/v1/keys/%2e%2E/status", "..", Resource::status},
  };
  for (const auto& test : cases) {
    CAPTURE(test.path);
    const auto path = parse_sae_path(test.path);
    REQUIRE(path.has_value());
    CHECK(path->sae.text() == test.sae);
    CHECK(path->resource == test.resource);
  }
}

TEST_CASE("a path with a segment that is no SAE ID is a bad request") {
  for (const std::string segment :
       {"", "%", "%4", "%zz", "%00", "a%0Ab", "%7f", "%C3", "%ff", "%C0%AF", "\xff"}) {
    CAPTURE(segment);
    const auto path = parse_sae_path("/api/v1/keys/" + segment + "/status");
    REQUIRE_FALSE(path.has_value());
    CHECK(path.error().status == 400);
    CHECK_FALSE(parse_sae_segment(segment).has_value());
  }
  const auto longest = parse_sae_path("/api/v1/keys/" + std::string(512, 'a') + "/status");
  CHECK(longest.has_value());
  CHECK_FALSE(parse_sae_path("/api/v1/keys/" + std::string(513, 'a') + "/status").has_value());
}

TEST_CASE("any other path is not found") {
  for (const char* path : {"", "/", "/api/v1/keys", "/api/v1/keys/", "/api/v1/keys/bob", "/api/v1/keys/bob/",
                           "/api/v1/keys/bob/keys", "/api/v1/keys/bob/status/", "/api/v1/keys/bob/status/x",
                           "/api/v1/keys/a/b/status", "/api/v2/keys/bob/status", "/API/v1/keys/bob/status",
                           "/api/v1/keys/bob/Status", "/api/v1//keys/bob/status", "x/api/v1/keys/bob/status",
                           "/api/v1/keys/bob/statu%73"}) {
    CAPTURE(path);
    const auto parsed = parse_sae_path(path);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().status == 404);
  }
}

TEST_CASE("a path that is built from an SAE ID leads back to it") {
  for (const char* text : {"bob", "a/b", "CN=bob,O=Example GmbH", "é?&#%25", "..", "a+b"}) {
    for (const Resource resource : {Resource::status, Resource::enc_keys, Resource::dec_keys}) {
      const SaeId sae = SaeId::parse(text).value();
      const auto path = parse_sae_path(sae_path(sae, resource));
      REQUIRE(path.has_value());
      CHECK(path->sae == sae);
      CHECK(path->resource == resource);
    }
  }
  CHECK(sae_path(SaeId::parse("a/b é").value(), Resource::dec_keys) ==
        "/api/v1/keys/a%2Fb%20%C3%A9/dec_keys");
}

}  // namespace dske::etsi014
