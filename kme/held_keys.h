// The keys that a KME holds for its slave SAEs, and to whom each was delivered.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/secret.h"
#include "dske/bundle_context.h"

namespace dske::kme {

/// In memory what the store holds durably. Lives on the event loop.
class HeldKeys {
 public:
  struct Bundle {
    BundleContext context;
    SecretBytes keys;
    MonotonicTime expires;
    std::vector<SaeId> local_slaves;
    std::map<SaeId, std::set<std::uint16_t>> delivered;
    std::map<SaeId, std::set<std::uint16_t>> under_way;  // answers that may still fail to arrive
  };

  HeldKeys(ClientName client, std::set<SaeId> encryptors, const Clock& clock)
      : client_(std::move(client)), encryptors_(std::move(encryptors)), clock_(clock) {}

  void hold(BundleContext context, SecretBytes keys, MonotonicTime expires,
            const std::map<SaeId, std::vector<std::uint16_t>>& delivered);
  /// The bundle that a key belongs to, whoever its initiator is, if its lifetime lasts; with the same id from
  /// several initiators, that of `master`.
  [[nodiscard]] Bundle* find(const BundleId& id, const SaeId& master);
  /// This very bundle, whether or not its lifetime lasts.
  [[nodiscard]] const Bundle* get(const BundleName& bundle) const;
  [[nodiscard]] bool holds(const BundleName& bundle) const { return bundles_.contains(bundle); }
  /// All keys of this bundle were delivered not long ago.
  [[nodiscard]] bool finished(const BundleName& bundle) const;
  /// The same of the bundle with this id and master SAE: another client's bundle with the same id does not
  /// count.
  [[nodiscard]] bool finished(const BundleId& id, const SaeId& master) const;

  /// A key that was not delivered to this SAE and is not on its way to it.
  [[nodiscard]] static bool available(const Bundle& bundle, const SaeId& sae, std::uint16_t index);
  /// The key is on its way to the SAE, until delivered() or not_delivered().
  static void deliver(Bundle& bundle, const SaeId& sae, std::uint16_t index);
  /// The answer reached the SAE. Wipes the bundle if every local slave was given every key.
  void delivered(const BundleName& bundle, const SaeId& sae, const std::vector<std::uint16_t>& indices);
  /// The answer did not reach the SAE: the same SAE may ask again.
  void not_delivered(const BundleName& bundle, const SaeId& sae, const std::vector<std::uint16_t>& indices);
  /// Wipes the bundle.
  void remove(const BundleName& bundle);

  [[nodiscard]] std::size_t size() const { return bundles_.size(); }

 private:
  /// Whose a finished bundle was.
  struct Finished {
    ClientName initiator;
    SaeId master;
  };
  using FinishedBundles = std::multimap<BundleId, Finished>;

  void finish(const BundleName& name, const SaeId& master);

  ClientName client_;
  std::set<SaeId> encryptors_;
  const Clock& clock_;
  std::map<BundleName, Bundle> bundles_;
  std::multimap<BundleId, BundleName> by_id_;
  FinishedBundles finished_;
  std::deque<FinishedBundles::const_iterator> finished_order_;  // the oldest first
};

}  // namespace dske::kme
