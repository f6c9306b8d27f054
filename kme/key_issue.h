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
#include "kme/key_store.h"
#include "kme/kme_config.h"
#include "kme/lookup_budget.h"
#include "kme/psrd_allowance.h"

namespace dske::kme {

/// Whether the key store can serve the request: one slave, keys of the default size, no extension.
[[nodiscard]] bool storable(const KmeConfig& config, const etsi014::KeyRequest& request);

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
    PsrdAllowance& allowance;
    KeyStore& key_store;
    const Clock& clock;
  };
  explicit KeyIssue(const Parts& parts) : parts_(parts) {}

  /// Gives keys of the key store to the master, or establishes a bundle for it and gives its keys out, once.
  void issue(const SaeId& master, const SaeId& slave, const etsi014::KeyRequest& request, Done done);

 private:
  struct Order;

  void make(const std::shared_ptr<Order>& order);
  void establish(const std::shared_ptr<Order>& order);
  void established(const std::shared_ptr<Order>& order, EstablishedBundle bundle);
  void failed(const std::shared_ptr<Order>& order, BundleFailure failure);

  Parts parts_;
};

}  // namespace dske::kme
