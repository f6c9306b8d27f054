// The links to all hubs that this KME uses, and to those that it has set aside.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "dske/hub_link.h"
#include "kme/hub_roster.h"
#include "kme/kme_config.h"
#include "kme/loop_store.h"
#include "node/psrd_rates.h"
#include "store/kme_store.h"

namespace dske::kme {

/// Lives on the event loop, but for registered() and settled().
class HubLinks {
 public:
  using Done = UniqueFunction<void(Result<void>)>;

  /// The references must outlive it.
  HubLinks(const KmeConfig& config, const HubRoster& roster, LoopStore& store, EventLoop& loop,
           const Clock& clock, HubTransport& transport);

  /// Those that are used.
  [[nodiscard]] const std::vector<std::shared_ptr<HubLink>>& all() const { return links_; }
  /// Those of hubs that are not in the roster (any more): their PSRD is kept, and not used.
  [[nodiscard]] const std::vector<std::shared_ptr<HubLink>>& aside() const { return aside_; }
  /// The link to a hub, used or not; nothing if no PSRD of it was ingested.
  [[nodiscard]] std::shared_ptr<HubLink> find(const HubName& hub) const;
  [[nodiscard]] const HubRoster& roster() const { return roster_; }
  [[nodiscard]] const node::PsrdRateEstimator& rates() const { return rates_; }

  /// Links to the hubs of the store, with their blocks; registers with all that are in the roster.
  void load(const std::vector<store::HubRecord>& hubs, std::vector<store::HubBlock> blocks);
  /// A block was ingested: it is used at once. `done` when the registration that it caused has ended, well or
  /// not; ErrorKind::conflict if the hub has revoked the block, which has been wiped by then, or the error
  /// says why not.
  void add_block(
      const store::HubRecord& hub, PsrdBlock block, Done done = [](const Result<void>& /*used*/) {});
  /// The roster has changed: takes leave of hubs that are not in it any more, keeping the PSRD at both ends,
  /// and uses those that have come.
  void follow_roster();

  /// Leaves a hub for good: it wipes our PSRD and confirms that, then forget(). not_found if there is no such
  /// hub; otherwise the hub did not confirm, and nothing has changed.
  void leave(const HubName& hub, Done done);
  /// Wipes all PSRD of a hub and forgets it, without asking it. not_found if there is no such hub.
  void forget(const HubName& hub, Done done);
  /// Wipes one block, without asking the hub, which hears of it in the next registration. not_found if there
  /// is none.
  void drop_block(const BlockId& block, Done done);
  /// Called with the id of each hub that was forgotten.
  std::function<void(const HubId&)> on_forgotten = [](const HubId& /*hub*/) {};

  /// How many hubs this KME is registered with. Thread-safe.
  [[nodiscard]] std::size_t registered() const { return registered_; }
  /// Whether each hub of which there was PSRD at the start has been tried, or had its time. Thread-safe.
  [[nodiscard]] bool settled() const { return settled_; }

  /// Wipes what has been used up, and looks how fast that goes. For a timer.
  void settle();
  /// Gives back what was leased and not used; `done` when it is durable.
  void close(Task done);

 private:
  std::shared_ptr<HubLink> link_to(const store::HubRecord& hub);
  void count_registered();
  void await_first_registrations();
  void block_gone(const BlockId& block);
  void drop_spent_blocks(const std::shared_ptr<HubLink>& link);
  void take_leave(const std::shared_ptr<HubLink>& link);
  [[nodiscard]] std::vector<std::shared_ptr<HubLink>> used_and_aside() const;

  const HubRoster& roster_;
  LoopStore& store_;
  EventLoop& loop_;
  const Clock& clock_;
  ClientSurroundings surroundings_;
  std::vector<std::shared_ptr<HubLink>> links_;
  std::vector<std::shared_ptr<HubLink>> aside_;
  node::PsrdRateEstimator rates_;
  std::atomic<std::size_t> registered_ = 0;
  std::atomic<bool> settled_ = false;
};

}  // namespace dske::kme
