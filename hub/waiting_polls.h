// Polls of the pending list that wait for a share to come (docs/protocol.md, section 4.7).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "dske/pending_list.h"
#include "hub/authenticator.h"
#include "store/hub_store.h"

namespace dske::hub {

/// Answers polls: at once if something waits for their client, else when it comes. Of each client one poll
/// waits, a newer one ends it. Thread-safe; no thread waits here.
class WaitingPolls {
 public:
  /// At most `most` polls wait; further ones are answered at once. The references must outlive it and the
  /// store's callbacks.
  WaitingPolls(store::HubStore& store, const Clock& clock, std::size_t most)
      : store_(store), clock_(clock), most_(most) {}

  void begin(Authenticator::Poll poll, const PendingQuestion& question);
  /// A share on which `claimant` has a claim has become durable. Costs one look-up, and a read of the store
  /// if a poll of this client waits.
  void share_came(const ClientName& claimant);
  /// Answers the polls whose wait is over, or whose client has been disabled, has left or has registered
  /// anew. For a timer; to be called every second.
  void settle();
  /// Answers all; from now on none waits.
  void stop();

  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Waiting {
    Authenticator::Poll poll;
    std::uint64_t number;
    std::uint64_t cursor;
    MonotonicTime end;
    bool reading;         ///< the store is being asked
    bool came_meanwhile;  ///< and has to be asked again
  };
  using ByClient = std::map<ClientName, Waiting>;

  void read(const ClientName& client, std::uint64_t number, std::uint64_t cursor);
  void have_read(const ClientName& client, std::uint64_t number, const Result<store::PendingShares>& shares);
  static void answer(Authenticator::Poll& poll, const Result<store::PendingShares>& shares);
  static void answer_nothing(Waiting& waiting);

  store::HubStore& store_;
  const Clock& clock_;
  const std::size_t most_;
  mutable Mutex mutex_;
  ByClient waiting_ GUARDED_BY(mutex_);
  std::uint64_t last_number_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace dske::hub
