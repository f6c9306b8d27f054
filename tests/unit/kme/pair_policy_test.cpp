#include "kme/pair_policy.h"

#include <doctest/doctest.h>

#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::require_ok;
using store::test::sae;

Result<PairPolicy> read(const std::string& text) {
  const auto root = yaml::parse(text, "kme.yaml");
  require_ok(root);
  yaml::MappingReader reader(*root);
  PairPolicy policy = PairPolicy::read(reader, {sae("carol"), sae("celia")});
  if (const auto fault = reader.finish()) return *fault;
  return policy;
}

TEST_CASE("without rules every two SAEs may have keys, but none with itself") {
  const auto policy = read("{}");
  require_ok(policy);
  CHECK(policy->allows(sae("carol"), sae("stranger")));
  CHECK(policy->allows(sae("stranger"), sae("carol")));
  CHECK_FALSE(policy->allows(sae("carol"), sae("carol")));
  CHECK_FALSE(policy->self_paired(sae("carol")));
}

TEST_CASE("with rules only the pairs that one of them names are allowed, in that direction") {
  const auto policy = read(
      "allowed_pairs:\n"
      "  - {master: carol, slaves: [celia, sam]}\n"
      "  - {master: \"*\", slaves: [carol]}\n"
      "  - {master: boss, slaves: [\"*\"]}\n");
  require_ok(policy);
  CHECK(policy->allows(sae("carol"), sae("celia")));
  CHECK(policy->allows(sae("carol"), sae("sam")));
  CHECK_FALSE(policy->allows(sae("carol"), sae("stranger")));
  CHECK_FALSE(policy->allows(sae("celia"), sae("sam")));
  CHECK(policy->allows(sae("stranger"), sae("carol")));
  CHECK(policy->allows(sae("boss"), sae("anybody")));
  CHECK_FALSE(policy->allows(sae("sam"), sae("boss")));
}

TEST_CASE("an empty list of rules allows nothing") {
  const auto policy = read("allowed_pairs: []");
  require_ok(policy);
  CHECK_FALSE(policy->allows(sae("carol"), sae("celia")));
}

TEST_CASE("an SAE is its own peer only if it is listed, whatever the rules say") {
  const auto policy = read("self_paired: [carol]\nallowed_pairs: [{master: celia, slaves: [\"*\"]}]");
  require_ok(policy);
  CHECK(policy->self_paired(sae("carol")));
  CHECK(policy->allows(sae("carol"), sae("carol")));
  CHECK_FALSE(policy->allows(sae("celia"), sae("celia")));
}

TEST_CASE("rules that make no sense are refused") {
  for (const std::string text :
       {"allowed_pairs: carol", "allowed_pairs:", "allowed_pairs: [carol]",
        "allowed_pairs: [{master: carol}]", "allowed_pairs: [{slaves: [carol]}]",
        "allowed_pairs: [{master: carol, slaves: []}]", "allowed_pairs: [{master: carol, slaves: carol}]",
        "allowed_pairs: [{master: \"\", slaves: [carol]}]",
        "allowed_pairs: [{master: carol, slaves: [\"\"]}]", "allowed_pairs: [{master: a, slaves: [b], x: y}]",
        "self_paired: carol", "self_paired: [stranger]", "self_paired: [\"*\"]"}) {
    CAPTURE(text);
    CHECK_FALSE(read(text).has_value());
  }
}

}  // namespace
}  // namespace dske::kme
