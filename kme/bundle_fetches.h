// Bundles on their way from the hubs to this KME's store.
#pragma once

#include <map>
#include <vector>

#include "base/clock.h"
#include "dske/responder.h"
#include "kme/confirmations.h"
#include "kme/held_keys.h"
#include "kme/loop_store.h"

namespace dske::kme {

/// Fetches a bundle once, however many want it: stored durably, then confirmed to the hubs and held. Lives on
/// the event loop.
class BundleFetches {
 public:
  using Done = UniqueFunction<void(const Result<void>&)>;

  /// The references must outlive it and its callbacks.
  BundleFetches(Responder& responder, HeldKeys& held, Confirmations& confirmations, LoopStore& store,
                const Clock& clock)
      : responder_(responder), held_(held), confirmations_(confirmations), store_(store), clock_(clock) {}

  /// Calls `done` when the bundle is held; at once if it is, or was finished lately. Joins a fetch of the
  /// same bundle that is under way. Errors: those of Responder::fetch() and of the store.
  void fetch(const BundleName& bundle, Done done);

 private:
  void fetched(const BundleName& name, Result<FetchedBundle> bundle);
  void finish(const BundleName& name, const Result<void>& result);

  Responder& responder_;
  HeldKeys& held_;
  Confirmations& confirmations_;
  LoopStore& store_;
  const Clock& clock_;
  std::map<BundleName, std::vector<Done>> waiting_;  // for fetches under way
};

}  // namespace dske::kme
