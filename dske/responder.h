// The responder: fetches shares from the hubs and rebuilds bundles (docs/protocol.md, section 3.3).
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "dske/bundle_context.h"
#include "dske/hub_link.h"

namespace dske {

/// A bundle that the secret tag verified.
struct FetchedBundle {
  BundleContext context;
  SecretBytes keys;  ///< key_count keys of key_size_bytes each, one after the other
  MonotonicTime expires;
};

/// Lives on the links' event loop.
class Responder {
 public:
  using Done = UniqueFunction<void(Result<FetchedBundle>)>;

  struct Settings {
    ClientName client;
    std::size_t least_shares_required = 2;       ///< bundles that fewer shares rebuild are refused
    std::chrono::milliseconds patience{5000};    ///< for hubs that do not answer, while too few have
    std::chrono::seconds lifetime_most{604800};  ///< whatever the hubs say is left
  };

  /// `links` may gain and lose links meanwhile. The references must outlive the responder and its last
  /// callback.
  Responder(Settings settings, const std::vector<std::shared_ptr<HubLink>>& links, EventLoop& loop,
            const Clock& clock);

  /// Fetches a bundle from all hubs at once. Errors: not_found when the hubs that answer have no such bundle
  /// for us; unavailable, naming hubs and causes, when too few answer; corrupt when the shares do not fit
  /// together.
  void fetch(const BundleName& bundle, Done done);

  /// Tells all hubs of the lists that these bundles are held durably. What fails is repeated when a poll
  /// still lists the bundle.
  void confirm(const std::vector<BundleContext>& bundles);
  /// The same at one hub, which still lists them.
  static void confirm_at(const std::shared_ptr<HubLink>& link, const std::vector<BundleName>& bundles);

 private:
  class Fetching;

  Settings settings_;
  const std::vector<std::shared_ptr<HubLink>>& links_;
  EventLoop& loop_;
  const Clock& clock_;
};

}  // namespace dske
