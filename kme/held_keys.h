// The keys that a KME holds for its slave SAEs, and to whom each was delivered.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/names.h"
#include "base/secret.h"
#include "dske/bundle_context.h"
#include "etsi014/key_container.h"

namespace dske::kme {

/// In memory what the store holds durably. Thread-safe: nothing here waits, and no lock is held while keys
/// are copied or wiped.
class HeldKeys {
 public:
  /// Whom a bundle is between; one object for all bundles between the same ones.
  struct Parties {
    ClientName initiator;
    SaeId master;
    std::vector<SaeId> slaves;
    std::vector<SaeId> local_slaves;  ///< those of them that this KME serves
  };

  HeldKeys(ClientName client, std::set<SaeId> encryptors, const Clock& clock)
      : client_(std::move(client)), encryptors_(std::move(encryptors)), clock_(clock) {}

  /// `delivered`: for each slave SAE the indices of keys that it was given before. Changes nothing if the
  /// bundle is held.
  void hold(const BundleContext& context, SecretBytes keys, MonotonicTime expires,
            const std::map<SaeId, std::vector<std::uint16_t>>& delivered);

  /// The bundles of these keys, of this master, that the hubs must be asked for: they are not held, their
  /// lifetime lasts not, and they were not finished lately.
  [[nodiscard]] std::set<BundleId> missing(const SaeId& master, const std::vector<KeyId>& ids) const;

  /// Keys of one bundle that are on their way to an SAE.
  struct Part {
    BundleId id;
    std::shared_ptr<const Parties> parties;
    std::vector<std::uint16_t> indices;
    [[nodiscard]] BundleName name() const { return {parties->initiator, id}; }
  };
  struct Taken {
    std::vector<etsi014::Key> keys;  ///< in the order of the IDs
    std::vector<Part> parts;
  };
  struct Refused {
    enum class Why {
      not_named,  ///< one of the bundles does not name this slave, or another master
      too_large,  ///< together larger than BundleContext::kSecretBytesMost
      not_available,
    };
    Why why;
    std::vector<KeyId> not_available;  ///< not held, delivered to this slave, or on their way to it
  };
  /// All keys or none: they are on their way to the slave until delivered() or not_delivered(). No ID may be
  /// there twice.
  [[nodiscard]] std::variant<Taken, Refused> take(const SaeId& slave, const SaeId& master,
                                                  const std::vector<KeyId>& ids);

  /// The answer reached the SAE. Wipes the bundle if every local slave was given every key.
  void delivered(const BundleName& bundle, const SaeId& sae, const std::vector<std::uint16_t>& indices);
  /// The answer did not reach the SAE: the same SAE may ask again.
  void not_delivered(const BundleName& bundle, const SaeId& sae, const std::vector<std::uint16_t>& indices);
  /// Wipes the bundle.
  void remove(const BundleName& bundle);

  /// Whether or not its lifetime lasts.
  [[nodiscard]] bool holds(const BundleName& bundle) const;
  /// All keys of this bundle were delivered not long ago.
  [[nodiscard]] bool finished(const BundleName& bundle) const;
  [[nodiscard]] bool holds_or_finished(const BundleName& bundle) const;

  struct Amount {
    std::uint64_t bundles = 0;
    std::uint64_t keys = 0;
    std::uint64_t bytes = 0;  ///< of the keys themselves
  };
  [[nodiscard]] Amount amount() const;
  [[nodiscard]] Amount amount_of(const ClientName& initiator) const;

 private:
  using Words = std::unique_ptr<std::uint64_t[]>;
  struct Bundle {
    std::shared_ptr<const Parties> parties;
    std::shared_ptr<const SecretBytes> keys;
    MonotonicTime expires;
    std::uint32_t key_count;
    std::uint32_t key_size_bytes;
    /// For each of the slaves a bit for each key, set if it was delivered, then the same for those on their
    /// way.
    Words bits;
  };
  using Bundles = std::multimap<BundleId, Bundle>;
  using FinishedBundles = std::multimap<BundleId, std::shared_ptr<const Parties>>;
  enum class Bit { delivered, under_way };

  [[nodiscard]] static std::size_t words(std::uint32_t key_count) { return (key_count + 63) / 64; }
  [[nodiscard]] static std::uint64_t* bits(const Bundle& bundle, std::size_t slave, Bit bit);
  [[nodiscard]] static bool available(const Bundle& bundle, std::size_t slave, std::uint16_t index);
  /// The slave's position among those that the bundle names, or their number.
  [[nodiscard]] static std::size_t position(const Parties& parties, const SaeId& slave);
  [[nodiscard]] static bool all_delivered(const Bundle& bundle);

  [[nodiscard]] std::shared_ptr<const Parties> parties_of(const BundleContext& context) REQUIRES_LOCK(mutex_);
  /// The bundle with this id whose lifetime lasts; of several initiators' that of `master`.
  [[nodiscard]] Bundles::iterator find(const BundleId& id, const SaeId& master, MonotonicTime now)
      REQUIRES_LOCK(mutex_);
  [[nodiscard]] Bundles::iterator find(const BundleName& bundle) REQUIRES_LOCK(mutex_);
  [[nodiscard]] bool is_held(const BundleName& bundle) const REQUIRES_LOCK(mutex_);
  [[nodiscard]] bool is_finished(const BundleName& bundle) const REQUIRES_LOCK(mutex_);
  /// Takes a bundle out, to be destroyed when the lock is not held any more.
  [[nodiscard]] Bundles::node_type extract(Bundles::iterator bundle) REQUIRES_LOCK(mutex_);
  void finish(const BundleId& id, const std::shared_ptr<const Parties>& parties) REQUIRES_LOCK(mutex_);

  const ClientName client_;
  const std::set<SaeId> encryptors_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Bundles bundles_ GUARDED_BY(mutex_);
  std::map<ClientName, Amount> amounts_ GUARDED_BY(mutex_);
  std::map<std::string, std::weak_ptr<const Parties>> parties_ GUARDED_BY(mutex_);
  std::size_t parties_pruned_at_ GUARDED_BY(mutex_) = 64;
  FinishedBundles finished_ GUARDED_BY(mutex_);
  std::deque<FinishedBundles::const_iterator> finished_order_ GUARDED_BY(mutex_);  // the oldest first
};

}  // namespace dske::kme
