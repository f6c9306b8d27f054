// What the tests of messages are made of.
#pragma once

#include <string>

#include <doctest/doctest.h>

#include "dske/bundle_context.h"
#include "fixed_randomness.h"

namespace dske::test {

inline const std::string kBlock = "0f8fad5b-d9cb-469f-a165-70867728950e";
inline const std::string kOther = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
inline const std::string kTag = "AAECAwQFBgcICQoLDA0ODw==";

/// The text with the first `from` replaced; the test fails if there is none.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

/// Of two keys for two slaves; the same in every call.
inline BundleContext sample_context() {
  ReproducibleRandomness randomness(3);
  BundleContext made;
  made.id = BundleId::random(randomness);
  made.initiator = *ClientName::parse("carol");
  made.key_count = 2;
  made.key_size_bytes = 16;
  made.master = *SaeId::parse("carol");
  made.slaves = {{*SaeId::parse("celia"), *ClientName::parse("celia")},
                 {*SaeId::parse("d\xc3\xa4ve"), *ClientName::parse("dave")}};
  made.shares_required = 2;
  for (int i = 0; i < 3; ++i) made.hubs.push_back(HubId::random(randomness));
  return made;
}

}  // namespace dske::test
