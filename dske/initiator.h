// The initiator of bundles: makes keys and spreads their shares over the hubs (docs/protocol.md, sections 3
// and 5).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/random.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "dske/bundle_context.h"
#include "dske/hub_link.h"
#include "dske/sae_directory.h"

namespace dske {

/// What the initiator needs of durable storage. Callbacks run on the event loop; calls take effect in their
/// order.
class InitiatorStore {
 public:
  using Done = UniqueFunction<void(Result<void>)>;
  virtual ~InitiatorStore() = default;
  /// A bundle is about to be posted; unless it is acknowledged, a restart withdraws it.
  virtual void begin_bundle(const BundleId& id, std::vector<HubId> hubs, MonotonicTime expires,
                            Done done) = 0;
  /// Enough hubs hold it: from when `done` reports success, its keys may go to the master.
  virtual void acknowledge_bundle(const BundleId& id, Done done) = 0;
  virtual void forget_bundle(const BundleId& id, Done done) = 0;
};

struct BundleRequest {
  SaeId master;
  std::vector<SaeId> slaves;  ///< at least one
  std::uint32_t key_count = 1;
  std::uint32_t key_size_bytes = 32;
  std::chrono::seconds lifetime{86400};
  std::size_t shares_required = 0;  ///< the least k; the initiator's own if that is more
  /// How many hubs must have stored their share durably for each slave's client before the keys may be given
  /// out; k if that is more.
  std::size_t least_hubs = 0;
};

/// A bundle whose keys may be given out.
struct EstablishedBundle {
  BundleContext context;
  SecretBytes keys;       ///< key_count keys of key_size_bytes each, one after the other
  MonotonicTime expires;  ///< counted from before the first message
  std::size_t hubs = 0;   ///< that have acknowledged: those of the slave's client with the fewest
};

/// A hub that could not be used, and why.
struct HubCause {
  HubName hub;
  std::string cause;
};

/// "HUB: CAUSE; HUB: CAUSE", for a message.
[[nodiscard]] std::string text_of(const std::vector<HubCause>& causes);

/// Why a bundle was not established.
struct BundleFailure : Error {
  std::vector<SaeId> unknown_saes{};  ///< if the kind is not_found: the slaves that no hub knows
  std::vector<HubCause> hubs{};
  /// If there were too few hubs: how many there were for the slave's client with the fewest.
  std::optional<std::size_t> hubs_there{};
};

class [[nodiscard]] BundleResult : public tl::expected<EstablishedBundle, BundleFailure> {
 public:
  using tl::expected<EstablishedBundle, BundleFailure>::expected;
  BundleResult(BundleFailure failure)  // NOLINT(*-explicit-*)
      : tl::expected<EstablishedBundle, BundleFailure>(tl::make_unexpected(std::move(failure))) {}
  BundleResult(Error error) : BundleResult(BundleFailure{std::move(error)}) {}  // NOLINT(*-explicit-*)
};

/// What a bundle's secret is made of (docs/protocol.md, section 3.4).
enum class KeySource {
  generator,  ///< a random generator of ours
  psrd,       ///< unused PSRD of k hubs, which is their shares; the secret and the other shares follow
};

/// Lives on the links' event loop.
class Initiator {
 public:
  using Done = UniqueFunction<void(BundleResult)>;

  struct Settings {
    ClientName client;
    std::size_t shares_required = 2;
    std::chrono::milliseconds grace{200};  ///< for the other hubs, once enough have acknowledged
    KeySource key_source = KeySource::generator;
  };

  /// `links` may gain and lose links meanwhile. The references must outlive the initiator and its last
  /// callback.
  Initiator(Settings settings, const std::vector<std::shared_ptr<HubLink>>& links, SaeDirectory& directory,
            InitiatorStore& store, EventLoop& loop, const Clock& clock, Randomness& randomness);

  /// Establishes a bundle. Errors: not_found (slave SAEs that no hub knows), unavailable or exhausted (too
  /// few hubs took their share; message and causes name each), io or what else our own store fails with,
  /// invalid (no slave, sizes). Nothing of a failed bundle is left at the hubs that could be reached.
  void establish(BundleRequest request, Done done);

  /// Withdraws a bundle of an earlier run that was never acknowledged. A hub that is not registered with is
  /// told after the attempt that is under way: so at a start, call this when the links have been told to
  /// register.
  void withdraw(const BundleId& id, const std::vector<HubId>& hubs);

 private:
  class Posting;
  struct Resolution;
  struct Plan;
  struct Material;

  void resolve(const std::shared_ptr<Resolution>& resolution);
  void resolved(const std::shared_ptr<Resolution>& resolution);
  void draw_secret(Plan plan);
  void take_secret_from_psrd(Plan plan);
  void post(Plan plan, Material material);
  void withdraw_at(
      const std::shared_ptr<HubLink>& link, const BundleId& id,
      std::function<void(const Result<HubReply>&)> done = [](const Result<HubReply>& /*reply*/) {});
  [[nodiscard]] std::size_t shares_required(const BundleRequest& request) const;
  /// The hubs that can carry a share, if they are enough for each slave's client.
  [[nodiscard]] tl::expected<std::vector<std::shared_ptr<HubLink>>, BundleFailure> choose_hubs(
      const Resolution& resolution) const;

  Settings settings_;
  const std::vector<std::shared_ptr<HubLink>>& links_;
  SaeDirectory& directory_;
  InitiatorStore& store_;
  EventLoop& loop_;
  const Clock& clock_;
  Randomness& randomness_;
};

}  // namespace dske
