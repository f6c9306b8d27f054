#include "kme/hub_links.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dske::kme {

HubLinks::HubLinks(const KmeConfig& config, LoopStore& store, EventLoop& loop, const Clock& clock,
                   HubTransport& transport)
    : config_(config),
      store_(store),
      surroundings_{config.name,
                    {config.encryptors.begin(), config.encryptors.end()},
                    loop,
                    clock,
                    transport,
                    store,
                    [this] { count_registered(); }} {}

std::shared_ptr<HubLink> HubLinks::link_to(const store::HubRecord& hub) {
  const ConfiguredHub* configured = config_.find_hub(hub.name);
  std::string endpoint =
      configured != nullptr && !configured->endpoint.empty() ? configured->endpoint : hub.endpoint;
  const auto found = std::find_if(links_.begin(), links_.end(),
                                  [&](const auto& link) { return link->address().id == hub.id; });
  if (found != links_.end()) {
    (*found)->set_endpoint(std::move(endpoint));
    return *found;
  }
  links_.push_back(HubLink::make({hub.id, hub.name, std::move(endpoint)},
                                 LeasedPool::make(Side::client, store_), surroundings_));
  return links_.back();
}

void HubLinks::load(const std::vector<store::HubRecord>& hubs, std::vector<store::HubBlock> blocks) {
  for (const store::HubRecord& hub : hubs) {
    if (config_.find_hub(hub.name) == nullptr) {
      log::warning("hub {} is not in the configuration any more: its PSRD is not used", hub.name.text());
      continue;
    }
    const auto link = link_to(hub);
    for (store::HubBlock& block : blocks) {
      if (block.hub == hub.id) link->pool().add_block(std::move(block.block), true);
    }
  }
  for (const auto& link : links_) link->register_now();
}

void HubLinks::add_block(const store::HubRecord& hub, PsrdBlock block) {
  const auto link = link_to(hub);
  link->pool().add_block(std::move(block), true);
  link->register_now();
}

void HubLinks::count_registered() {
  registered_ = static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](const auto& link) { return link->registered(); }));
}

void HubLinks::settle() {
  for (const auto& link : links_) {
    link->pool().settle_floors();
    drop_spent_blocks(link);
  }
}

void HubLinks::drop_spent_blocks(const std::shared_ptr<HubLink>& link) {
  for (const BlockId& block : link->pool().blocks()) {
    const PsrdLevels left = link->pool().block_levels(block);
    const std::uint64_t bytes = left.client_authenticator.left_bytes + left.client_pad.left_bytes +
                                left.hub_authenticator.left_bytes + left.hub_pad.left_bytes;
    if (bytes > 0) continue;
    log::info("hub {}: PSRD block {} is used up", link->address().name.text(), block.text());
    link->pool().remove_block(block);
    store_.drop_block(block, [](const Result<void>& /*result*/) {});
  }
}

void HubLinks::close(Task done) {
  // Counted down on the loop, where every callback runs.
  const auto outstanding = std::make_shared<std::size_t>(links_.size() + 1);
  const auto shared_done = std::make_shared<Task>(std::move(done));
  const auto finish_one = [outstanding, shared_done] {
    if (--*outstanding == 0) (*shared_done)();
  };
  for (const auto& link : links_) {
    link->close();
    link->pool().close([finish_one, name = link->address().name](const Result<void>& result) {
      if (!result)
        log::error("hub {}: unused PSRD could not be given back: {}", name.text(), result.error().message);
      finish_one();
    });
  }
  finish_one();
}

}  // namespace dske::kme
