// "Get key": keys for a master SAE and its slaves (ETSI GS QKD 014 V1.1.1, clauses 5.2 and 6.2).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "dske/initiator.h"
#include "dske/sae_directory.h"
#include "etsi014/api_error.h"
#include "etsi014/key_container.h"
#include "etsi014/key_request.h"
#include "kme/hub_roster.h"
#include "kme/kme_config.h"
#include "kme/lookup_budget.h"
#include "kme/psrd_share.h"

namespace dske::kme {

/// Lives on the event loop; every callback runs there.
class KeyIssue {
 public:
  struct Issued {
    std::vector<etsi014::Key> keys;
    std::vector<etsi014::ContainerExtension> extension;  ///< empty unless a known one was asked for
  };
  using Done = UniqueFunction<void(etsi014::ApiResult<Issued>)>;

  /// The parts that it works with; they must outlive it and its callbacks.
  struct Parts {
    const KmeConfig& config;
    const HubRoster& roster;
    const std::vector<std::shared_ptr<HubLink>>& links;
    SaeDirectory& directory;
    Initiator& initiator;
    LookupBudget& budget;
    const Clock& clock;
  };
  explicit KeyIssue(const Parts& parts) : parts_(parts), share_(parts.clock) {}

  /// Establishes a bundle for the master, and gives its keys out, once.
  void issue(const SaeId& master, const SaeId& slave, const etsi014::KeyRequest& request, Done done);

 private:
  struct Order;

  void establish(const std::shared_ptr<Order>& order);
  void established(const std::shared_ptr<Order>& order, EstablishedBundle bundle);
  void failed(const std::shared_ptr<Order>& order, BundleFailure failure);

  /// What is left with as many hubs as a bundle needs at least; nothing if there are not as many.
  [[nodiscard]] std::optional<PsrdAmount> psrd_left() const;
  /// Whether the master would take what the KME's other SAEs need.
  [[nodiscard]] bool takes_too_much(const BundleRequest& request);

  Parts parts_;
  PsrdShare share_;
};

}  // namespace dske::kme
