// Which SAEs may have keys together, as the operator of this KME decides.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "base/names.h"
#include "base/yaml.h"

namespace dske::kme {

/// `allowed_pairs` and `self_paired` in kme.yaml.
class PairPolicy {
 public:
  /// Everything is allowed but that an SAE is its own peer.
  PairPolicy() = default;
  /// Reads both members, if they are there; self_paired can only name `encryptors`.
  [[nodiscard]] static PairPolicy read(yaml::MappingReader& reader, const std::set<SaeId>& encryptors);

  /// Whether `slave` may have keys that `master` asked for. For one and the same SAE that is what
  /// self_paired says.
  [[nodiscard]] bool allows(const SaeId& master, const SaeId& slave) const;
  /// Whether the SAE may use its own ID as that of its peer.
  [[nodiscard]] bool self_paired(const SaeId& sae) const { return self_paired_.contains(sae); }

 private:
  /// SAE IDs, or all of them ("*").
  struct Members {
    bool all = false;
    std::set<SaeId> saes;
    [[nodiscard]] bool contains(const SaeId& sae) const { return all || saes.contains(sae); }
    /// The reason, if the text is neither an SAE ID nor "*".
    [[nodiscard]] std::optional<Error> add(const std::string& text);
  };
  struct Rule {
    Members masters;
    Members slaves;
  };

  [[nodiscard]] static Rule read_rule(yaml::MappingReader& reader);

  std::optional<std::vector<Rule>> rules_;
  std::set<SaeId> self_paired_;
};

}  // namespace dske::kme
