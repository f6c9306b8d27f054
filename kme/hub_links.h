// The links to all hubs of which this KME holds PSRD.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "dske/hub_link.h"
#include "kme/kme_config.h"
#include "kme/loop_store.h"
#include "store/kme_store.h"

namespace dske::kme {

/// Lives on the event loop, but for registered().
class HubLinks {
 public:
  HubLinks(const KmeConfig& config, LoopStore& store, EventLoop& loop, const Clock& clock,
           HubTransport& transport);

  [[nodiscard]] const std::vector<std::shared_ptr<HubLink>>& all() const { return links_; }

  /// Links to the hubs of the store, with their blocks; registers with all.
  void load(const std::vector<store::HubRecord>& hubs, std::vector<store::HubBlock> blocks);
  /// A block was ingested: it is used at once.
  void add_block(const store::HubRecord& hub, PsrdBlock block);

  /// How many hubs this KME is registered with. Thread-safe.
  [[nodiscard]] std::size_t registered() const { return registered_; }

  /// Wipes what has been used up. For a timer.
  void settle();
  /// Gives back what was leased and not used; `done` when it is durable.
  void close(Task done);

 private:
  std::shared_ptr<HubLink> link_to(const store::HubRecord& hub);
  void count_registered();
  void drop_spent_blocks(const std::shared_ptr<HubLink>& link);

  const KmeConfig& config_;
  LoopStore& store_;
  ClientSurroundings surroundings_;
  std::vector<std::shared_ptr<HubLink>> links_;
  std::atomic<std::size_t> registered_ = 0;
};

}  // namespace dske::kme
