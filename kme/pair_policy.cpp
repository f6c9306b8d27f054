#include "kme/pair_policy.h"

#include <algorithm>
#include <utility>

namespace dske::kme {

std::optional<Error> PairPolicy::Members::add(const std::string& text) {
  if (text == "*") {
    all = true;
    return std::nullopt;
  }
  auto sae = SaeId::parse(text);
  if (!sae) return sae.error();
  saes.insert(std::move(*sae));
  return std::nullopt;
}

PairPolicy::Rule PairPolicy::read_rule(yaml::MappingReader& reader) {
  Rule rule;
  const std::string master = reader.text("master");
  if (!reader.failed()) {
    if (const auto fault = rule.masters.add(master)) reader.fail("master", fault->message);
  }
  const auto slaves = reader.texts("slaves");
  if (slaves.empty()) reader.fail("slaves", "must list SAE IDs, or \"*\" for all");
  for (const std::string& slave : slaves) {
    if (const auto fault = rule.slaves.add(slave)) reader.fail("slaves", fault->message);
  }
  return rule;
}

PairPolicy PairPolicy::read(yaml::MappingReader& reader, const std::set<SaeId>& encryptors) {
  PairPolicy policy;
  const bool restricted = reader.has("allowed_pairs");
  const auto elements = reader.sequence("allowed_pairs");
  if (restricted) policy.rules_.emplace();
  for (const yaml::Node& element : elements) {
    yaml::MappingReader members(element);
    policy.rules_->push_back(read_rule(members));
    if (const auto fault = members.finish()) reader.fail(*fault);
  }
  for (const std::string& text : reader.texts("self_paired")) {
    auto sae = SaeId::parse(text);
    if (!sae || !encryptors.contains(*sae)) {
      reader.fail("self_paired", "\"" + text + "\" is not one of the encryptors");
    } else {
      policy.self_paired_.insert(std::move(*sae));
    }
  }
  return policy;
}

bool PairPolicy::allows(const SaeId& master, const SaeId& slave) const {
  if (master == slave) return self_paired(master);
  return !rules_ || std::any_of(rules_->begin(), rules_->end(), [&](const Rule& rule) {
    return rule.masters.contains(master) && rule.slaves.contains(slave);
  });
}

}  // namespace dske::kme
