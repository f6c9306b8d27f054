#include "kme/hub_links.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dske::kme {
namespace {

// With more blocks of a hub than these, one goes when any of its zones is used up.
constexpr std::size_t kBlocksKept = 64;

// A hub that is down must not keep the KME from serving with the others.
constexpr std::chrono::seconds kFirstRegistrations{3};

bool erase(std::vector<std::shared_ptr<HubLink>>& links, const std::shared_ptr<HubLink>& link) {
  return std::erase(links, link) > 0;
}

Error no_such_hub(const HubName& hub) {
  return {ErrorKind::not_found, "no PSRD of hub " + hub.text() + " was ingested"};
}

}  // namespace

HubLinks::HubLinks(const KmeConfig& config, const HubRoster& roster, LoopStore& store, EventLoop& loop,
                   const Clock& clock, HubTransport& transport)
    : roster_(roster),
      store_(store),
      loop_(loop),
      clock_(clock),
      surroundings_{config.name,
                    {config.encryptors.begin(), config.encryptors.end()},
                    loop,
                    clock,
                    transport,
                    store,
                    [this] { count_registered(); },
                    [this](const BlockId& block) { block_gone(block); }} {}

std::vector<std::shared_ptr<HubLink>> HubLinks::used_and_aside() const {
  std::vector<std::shared_ptr<HubLink>> both = links_;
  both.insert(both.end(), aside_.begin(), aside_.end());
  return both;
}

std::shared_ptr<HubLink> HubLinks::find(const HubName& hub) const {
  for (const auto& link : used_and_aside()) {
    if (link->address().name == hub) return link;
  }
  return nullptr;
}

std::shared_ptr<HubLink> HubLinks::link_to(const store::HubRecord& hub) {
  std::string endpoint = roster_.endpoint(hub.name, hub.endpoint);
  for (const auto& link : used_and_aside()) {
    if (link->address().id != hub.id) continue;
    link->set_endpoint(std::move(endpoint));
    return link;
  }
  auto link = HubLink::make({hub.id, hub.name, std::move(endpoint)}, LeasedPool::make(Side::client, store_),
                            surroundings_);
  const bool used = roster_.has(hub.name);
  if (!used) link->set_aside();
  (used ? links_ : aside_).push_back(link);
  return link;
}

void HubLinks::load(const std::vector<store::HubRecord>& hubs, std::vector<store::HubBlock> blocks) {
  for (const store::HubRecord& hub : hubs) {
    const auto link = link_to(hub);
    for (store::HubBlock& block : blocks) {
      if (block.hub == hub.id) link->pool().add_block(std::move(block.block), true);
    }
  }
  for (const auto& link : aside_) {
    log::warning("hub {} is not in the configuration any more: its PSRD is kept and not used",
                 link->address().name.text());
  }
  for (const auto& link : links_) link->register_now();
  await_first_registrations();
}

void HubLinks::await_first_registrations() {
  const auto outstanding = std::make_shared<std::size_t>(links_.size());
  for (const auto& link : links_) {
    link->after_registration([this, outstanding] {
      if (--*outstanding == 0) settled_ = true;
    });
  }
  if (links_.empty()) settled_ = true;
  loop_.after(kFirstRegistrations, [this] { settled_ = true; });
}

void HubLinks::add_block(const store::HubRecord& hub, PsrdBlock block, Done done) {
  const auto link = link_to(hub);
  const BlockId id = block.id;
  link->pool().add_block(std::move(block), true);
  link->psrd_added();
  link->after_registration([this, link, id, done = std::move(done)]() mutable {
    if (link->pool().has_block(id)) return done({});
    Error refused{ErrorKind::conflict, "PSRD block " + id.text() + " is revoked by, or unknown to, hub " +
                                           link->address().name.text() +
                                           ": it is dropped; have another made there"};
    // It was dropped by block_gone(), perhaps not yet durably; once more does no harm, and ends after that.
    store_.drop_block(
        id, [refused = std::move(refused), done = std::move(done)](const Result<void>& wiped) mutable {
          if (!wiped) refused.message += "; it could not be wiped: " + wiped.error().message;
          done(std::move(refused));
        });
  });
}

void HubLinks::take_leave(const std::shared_ptr<HubLink>& link) {
  const std::string name = link->address().name.text();
  log::info("hub {} is not in the configuration any more: its PSRD is kept and not used", name);
  link->leave(HubLink::Leaving::keep_psrd, [this, link, name](const Result<void>& left) {
    if (!left) log::warning("hub {} was not told that this client leaves it: {}", name, left.error().message);
    // It may have come back in the meantime.
    const bool used = std::find(links_.begin(), links_.end(), link) != links_.end();
    link->set_aside();
    if (used) link->resume();
  });
}

void HubLinks::follow_roster() {
  for (const auto& link : std::vector(links_)) {
    if (roster_.has(link->address().name)) {
      link->set_endpoint(roster_.endpoint(link->address().name, link->address().endpoint));
      continue;
    }
    erase(links_, link);
    aside_.push_back(link);
    take_leave(link);
  }
  for (const auto& link : std::vector(aside_)) {
    if (!roster_.has(link->address().name)) continue;
    log::info("hub {} is in the configuration again: its PSRD is used", link->address().name.text());
    link->set_endpoint(roster_.endpoint(link->address().name, link->address().endpoint));
    erase(aside_, link);
    links_.push_back(link);
    link->resume();
  }
  count_registered();
}

void HubLinks::leave(const HubName& hub, Done done) {
  const auto link = find(hub);
  if (!link) return done(no_such_hub(hub));
  if (std::find(aside_.begin(), aside_.end(), link) != aside_.end()) {
    return done(Error{ErrorKind::conflict, "hub " + hub.text() +
                                               " is not in the configuration: list it again to leave it, or"
                                               " use hub forget"});
  }
  link->leave(HubLink::Leaving::wipe_psrd, [this, hub, done = std::move(done)](Result<void> left) mutable {
    if (!left) {
      return done(left.error().within(
          "hub " + hub.text() + " did not confirm, nothing has changed; hub forget leaves it without it"));
    }
    forget(hub, std::move(done));
  });
}

void HubLinks::forget(const HubName& hub, Done done) {
  const auto link = find(hub);
  if (!link) return done(no_such_hub(hub));
  const HubId id = link->address().id;
  link->set_aside();
  erase(links_, link);
  erase(aside_, link);
  for (const BlockId& block : link->pool().blocks()) link->pool().remove_block(block);
  rates_.forget(hub.text());
  count_registered();
  store_.forget_hub(id, [this, id, hub, done = std::move(done)](Result<void> forgotten) mutable {
    if (!forgotten) return done(forgotten.error());
    log::info("hub {} is forgotten, its PSRD is wiped", hub.text());
    on_forgotten(id);
    done({});
  });
}

void HubLinks::drop_block(const BlockId& block, Done done) {
  for (const auto& link : used_and_aside()) {
    if (!link->pool().has_block(block)) continue;
    log::info("hub {}: PSRD block {} is dropped by the operator", link->address().name.text(), block.text());
    link->pool().remove_block(block);
    store_.drop_block(block, std::move(done));
    return link->psrd_added();
  }
  done(Error{ErrorKind::not_found, "there is no PSRD block " + block.text()});
}

void HubLinks::block_gone(const BlockId& block) {
  store_.drop_block(block, [block](const Result<void>& result) {
    if (!result) log::error("PSRD block {} could not be wiped: {}", block.text(), result.error().message);
  });
}

void HubLinks::count_registered() {
  registered_ = static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](const auto& link) { return link->registered(); }));
}

void HubLinks::settle() {
  for (const auto& link : used_and_aside()) {
    link->pool().settle_floors();
    drop_spent_blocks(link);
    node::observe_pool(rates_, link->address().name.text(), link->pool(), clock_.now());
  }
}

void HubLinks::drop_spent_blocks(const std::shared_ptr<HubLink>& link) {
  const std::vector<BlockId> blocks = link->pool().blocks();
  // Traffic of one direction leaves rests that nobody will use; they must not pile up.
  std::size_t too_many = blocks.size() > kBlocksKept ? blocks.size() - kBlocksKept : 0;
  for (const BlockId& block : blocks) {
    const PsrdLevels left = link->pool().block_levels(block);
    const std::uint64_t rests[] = {left.client_authenticator.left_bytes, left.client_pad.left_bytes,
                                   left.hub_authenticator.left_bytes, left.hub_pad.left_bytes};
    const auto empty = std::count(std::begin(rests), std::end(rests), std::uint64_t{0});
    if (empty == 0 || (empty < 4 && too_many == 0)) continue;
    if (too_many > 0) --too_many;
    log::info("hub {}: PSRD block {} is used up", link->address().name.text(), block.text());
    link->pool().remove_block(block);
    store_.drop_block(block, [](const Result<void>& /*result*/) {});
  }
}

void HubLinks::close(Task done) {
  const auto links = used_and_aside();
  // Counted down on the loop, where every callback runs.
  const auto outstanding = std::make_shared<std::size_t>(links.size() + 1);
  const auto shared_done = std::make_shared<Task>(std::move(done));
  const auto finish_one = [outstanding, shared_done] {
    if (--*outstanding == 0) (*shared_done)();
  };
  for (const auto& link : links) {
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
