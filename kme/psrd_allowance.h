// How much of the PSRD that is left a master SAE may have keys made of.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "dske/hub_link.h"
#include "dske/initiator.h"
#include "kme/kme_config.h"
#include "kme/psrd_share.h"

namespace dske::kme {

/// Lives on the event loop.
class PsrdAllowance {
 public:
  /// The references must outlive it.
  PsrdAllowance(const KmeConfig& config, const std::vector<std::shared_ptr<HubLink>>& links,
                const Clock& clock)
      : config_(config), links_(links), share_(clock) {}

  /// Whether a master that asks may have this bundle: not if it would take what the KME's other SAEs need.
  [[nodiscard]] bool allows_request(const BundleRequest& request);
  /// Whether this bundle may be made ahead of demand: only if at least as much is left for requests, also
  /// where the KME has no other SAEs.
  [[nodiscard]] bool allows_ahead(const BundleRequest& request);

 private:
  /// What is left with as many hubs as a bundle needs at least; nothing if there are not as many.
  [[nodiscard]] std::optional<PsrdAmount> left() const;

  const KmeConfig& config_;
  const std::vector<std::shared_ptr<HubLink>>& links_;
  PsrdShare share_;
};

}  // namespace dske::kme
