// Bundles on their way from an initiator to a responder, several at a time.
#pragma once

#include <cstdint>

#include "base/event_loop.h"
#include "base/result.h"
#include "dske/initiator.h"
#include "dske/responder.h"

namespace dske::bench {

/// The two ends of a relay.
class RelayEnds {
 public:
  RelayEnds() = default;
  virtual ~RelayEnds() = default;
  RelayEnds(const RelayEnds&) = delete;
  RelayEnds& operator=(const RelayEnds&) = delete;

  using Held = UniqueFunction<void(Result<void>)>;

  /// Establishes a bundle; from any thread, `done` on any.
  virtual void establish(BundleRequest request, Initiator::Done done) = 0;
  /// Fetches it, makes it durable and confirms it to the hubs; from any thread. ErrorKind::corrupt if these
  /// are not the keys that the initiator has.
  virtual void receive(EstablishedBundle bundle, Held done) = 0;
};

struct RelayLoad {
  std::uint64_t bundle_bytes = 65536;  ///< of secret: keys of 32 bytes
  std::uint64_t bundles = 1;
  std::uint64_t in_flight = 8;
};

/// Relays so many bundles, and waits; answers how many seconds that took, from the first bundle's begin until
/// the responder holds the last one.
[[nodiscard]] Result<double> relay_bundles(RelayEnds& ends, const RelayLoad& load);

}  // namespace dske::bench
