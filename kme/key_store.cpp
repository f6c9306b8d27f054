#include "kme/key_store.h"

#include <algorithm>
#include <utility>

#include "base/fault_point.h"
#include "base/log.h"
#include "kme/key_age.h"
#include "kme/key_store_pair.h"

namespace dske::kme {
namespace {

constexpr std::size_t kPairsMost = 100000;
constexpr std::uint32_t kLeasedPart = 4;   // of what should be ready, this part at least is leased
constexpr std::size_t kLeasesMost = 1024;  // bundles in one lease

}  // namespace

KeyStore::KeyStore(Parts parts)
    : parts_(std::move(parts)), key_size_bytes_(parts_.config.limits.key_size_bits / 8) {}

KeyStore::~KeyStore() = default;

std::optional<KeyStore::Keys> KeyStore::take(const etsi014::SaePair& pair, std::uint32_t number) {
  const auto leased = leased_keys_.find(pair);
  if (!leased) return std::nullopt;
  auto keys = leased->take(number, parts_.clock.now());
  if (keys) issued_ += number;
  if (leased->first_taken()) {
    const MutexLock lock(taken_mutex_);
    taken_.push_back(pair);
  }
  if (leased->should_tend()) {
    parts_.loop.post([this, pair] {
      if (Pair* known = find(pair)) tend(*known);
    });
  }
  return keys;
}

void KeyStore::take_leasing(const etsi014::SaePair& saes, std::uint32_t number, Taken done) {
  Pair* pair = find(saes);
  if (pair == nullptr || closing_) return done(std::nullopt);
  if (auto keys = take(saes, number)) return done(std::move(keys));
  std::uint32_t wanted = number;
  for (const auto& waiting : pair->waiting) wanted += waiting.number;
  if (pair->level() < wanted) return done(std::nullopt);
  pair->window.note_lease(wanted, parts_.clock.now());
  pair->waiting.push_back({number, std::move(done)});
  lease(*pair);
}

void KeyStore::asked(const etsi014::SaePair& saes, std::uint32_t number) {
  if (!parts_.config.key_store.enabled || closing_) return;
  if (find(saes) == nullptr && pairs_.size() >= kPairsMost) return;
  Pair& pair = pair_of(saes);
  const MonotonicTime now = parts_.clock.now();
  pair.asked_at = now;
  pair.largest = std::max(pair.largest, number);
  if (number > 0) {
    pair.demand.add(number, now);
    // What was just made shows that more can be.
    pair.retry_at = now;
    pair.retry_after = std::chrono::seconds(0);
  }
  tend(pair);
}

std::uint32_t KeyStore::level(const etsi014::SaePair& saes) const {
  const Pair* pair = find(saes);
  return pair == nullptr ? 0 : pair->level();
}

std::vector<KeyStore::PairFigures> KeyStore::figures(std::size_t most) const {
  std::vector<PairFigures> all;
  const MonotonicTime now = parts_.clock.now();
  for (const auto& [saes, pair] : pairs_) {
    if (all.size() == most) break;
    all.push_back({saes, pair->level(), pair->leased->available(), target_of(*pair),
                   pair->demand.keys_per_second(now)});
  }
  return all;
}

std::uint64_t KeyStore::ready_keys() const {
  std::uint64_t keys = 0;
  for (const auto& [saes, pair] : pairs_) keys += pair->level();
  return keys;
}

KeyStore::Pair* KeyStore::find(const etsi014::SaePair& saes) const {
  const auto found = pairs_.find(saes);
  return found == pairs_.end() ? nullptr : found->second.get();
}

KeyStore::Pair& KeyStore::pair_of(const etsi014::SaePair& saes) {
  auto& pair = pairs_[saes];
  if (pair == nullptr) {
    pair = std::make_unique<Pair>();
    pair->saes = saes;
    pair->leased = std::make_shared<LeasedKeys>(key_size_bytes_);
    leased_keys_.add(saes, pair->leased);
  }
  agenda_.set(*pair, agenda_.kNext);
  return *pair;
}

void KeyStore::load(const std::vector<store::ReadyEntry>& entries) {
  std::vector<BundleId> unfit;
  for (const store::ReadyEntry& entry : entries) {
    const bool fits = parts_.config.key_store.enabled && entry.key_size_bytes == key_size_bytes_ &&
                      entry.shares_required >= parts_.config.shares_required &&
                      parts_.config.encryptors.contains(entry.master) && pairs_.size() < kPairsMost;
    if (!fits) {
      unfit.push_back(entry.id);
      continue;
    }
    Pair& pair = pair_of({entry.master, entry.slave});
    pair.slave_client = entry.slave_client;
    pair.ready.push_back({entry.id, entry.first, entry.key_count, entry.expires.monotonic(parts_.clock)});
    pair.on_disk += entry.key_count - entry.first;
    keys_in_all_ += entry.key_count - entry.first;
  }
  if (!unfit.empty()) {
    log::info("{} bundles of ready keys do not fit the configuration any more and are dropped", unfit.size());
    parts_.store.drop_ready(std::move(unfit), [](const Result<void>& /*dropped*/) {});
  }
  if (!parts_.config.key_store.enabled) return;
  for (const etsi014::SaePair& saes : parts_.config.key_store.pairs) pair_of(saes).configured = true;
}

bool KeyStore::in_use(const Pair& pair) const {
  if (pair.configured) return true;
  return pair.asked_at && parts_.clock.now() - *pair.asked_at < parts_.config.key_store.idle;
}

MonotonicTime KeyStore::not_after(const Bundle& bundle) const {
  return bundle.expires - least_left(parts_.config.key_lifetime);
}

std::uint32_t KeyStore::window_of(const Pair& pair) const {
  return std::max(pair.window.keys(), target_of(pair) / kLeasedPart);
}

void KeyStore::tend(Pair& pair) {
  if (closing_) return;
  agenda_.set(pair, agenda_.kNext);
  if (pair.leased->available() < window_of(pair) / 2 && !pair.leasing && !pair.ready.empty()) {
    pair.window.note_lease(0, parts_.clock.now());
    lease(pair);
  } else {
    pair.leased->want(pair.on_disk > 0 ? window_of(pair) / 2 : 1);
  }
  fill(pair);
}

void KeyStore::lease(Pair& pair) {
  if (pair.leasing) return;
  pair.leasing = true;
  leasing_.push_back(&pair);
  send_leases();
}

void KeyStore::send_leases() {
  if (lease_running_ || leasing_.empty()) return;
  std::vector<store::ReadyLease> leases;
  std::vector<Pair*> pairs;
  while (!leasing_.empty() && leases.size() < kLeasesMost) {
    Pair& pair = *leasing_.front();
    leasing_.pop_front();
    std::uint32_t asked_for = 0;
    for (const auto& waiting : pair.waiting) asked_for += waiting.number;
    const std::uint32_t wanted = std::max(window_of(pair), asked_for);
    const std::uint32_t there = pair.leased->available();
    std::uint32_t missing = wanted > there ? wanted - there : 0;
    for (const Bundle& bundle : pair.ready) {
      if (missing == 0) break;
      const std::uint32_t count = std::min(missing, bundle.end - bundle.first);
      leases.push_back({bundle.id, bundle.first + count});
      missing -= count;
    }
    pairs.push_back(&pair);
  }
  lease_running_ = true;
  if (leases.empty()) return leased(pairs, leases, std::vector<store::ReadyLeased>());
  parts_.store.lease_ready(leases, [this, pairs, leases](Result<std::vector<store::ReadyLeased>> answer) {
    leased(pairs, leases, std::move(answer));
  });
}

void KeyStore::leased(const std::vector<Pair*>& pairs, const std::vector<store::ReadyLease>& leases,
                      Result<std::vector<store::ReadyLeased>> answer) {
  lease_running_ = false;
  pass(FaultPoint::ready_leased);
  if (!answer) warn("cannot lease ready keys: " + answer.error().message);
  std::size_t next = 0;
  for (Pair* pair : pairs) {
    pair->leasing = false;
    agenda_.set(*pair, agenda_.kNext);
    // The leases of a pair are those of its first bundles, in their order; none of them can have gone.
    while (answer && next < leases.size() && !pair->ready.empty() &&
           leases[next].bundle == pair->ready.front().id) {
      Bundle& bundle = pair->ready.front();
      const std::uint32_t end = leases[next].end;
      store::ReadyLeased& got = (*answer)[next++];
      pair->on_disk -= end - bundle.first;
      const std::size_t lost = std::size_t{end - bundle.first} - got.keys.size() / key_size_bytes_;
      keys_in_all_ -= lost;
      pair->leased->add({bundle.id, got.first, std::move(got.keys), not_after(bundle)});
      bundle.first = end;
      if (bundle.first < bundle.end) continue;
      pair->spent.push_back(bundle.id);
      pair->ready.pop_front();
    }
    answer_waiting(*pair, answer.has_value() && !closing_);
    if (!closing_) {
      pair->leased->want(pair->on_disk > 0 ? window_of(*pair) / 2 : 1);
      fill(*pair);
    }
  }
  if (closing_) return give_back();
  send_leases();
}

void KeyStore::warn(const std::string& cause) {
  constexpr std::chrono::seconds kEvery{10};
  last_failure_ = cause;
  const MonotonicTime now = parts_.clock.now();
  if (now - warned_at_ < kEvery) return;
  warned_at_ = now;
  log::warning("key store: {}", cause);
}

void KeyStore::answer_waiting(Pair& pair, bool may_lease_more) {
  std::vector<Pair::Waiting> unserved;
  for (Pair::Waiting& waiting : std::exchange(pair.waiting, {})) {
    if (auto keys = pair.leased->take(waiting.number, parts_.clock.now())) {
      issued_ += waiting.number;
      waiting.done(std::move(keys));
    } else if (may_lease_more && pair.on_disk > 0 && pair.level() >= waiting.number &&
               pair.leased->available() < waiting.number) {
      unserved.push_back(std::move(waiting));
    } else {
      waiting.done(std::nullopt);
    }
  }
  if (unserved.empty()) return;
  for (Pair::Waiting& waiting : unserved) pair.waiting.push_back(std::move(waiting));
  lease(pair);
}

void KeyStore::settle() {
  if (closing_) return;
  gather_taken();
  std::vector<BundleId> dropped;
  for (Pair* pair : agenda_.take_due(parts_.clock.now())) {
    settle(*pair, dropped);
    const bool idle = !in_use(*pair) && pair->level() == 0 && pair->bundles_under_way == 0 &&
                      !pair->leasing && pair->spent.empty();
    if (!idle) {
      agenda_.set(*pair, next_look(*pair));
      continue;
    }
    agenda_.remove(*pair);
    leased_keys_.remove(pair->saes);
    pairs_.erase(pairs_.find(pair->saes));
  }
  if (!dropped.empty()) {
    parts_.store.drop_ready(std::move(dropped), [](const Result<void>& done) {
      if (!done) log::error("cannot remove ready keys: {}", done.error().message);
    });
  }
}

void KeyStore::gather_taken() {
  std::vector<etsi014::SaePair> taken;
  {
    const MutexLock lock(taken_mutex_);
    taken.swap(taken_);
  }
  for (const etsi014::SaePair& saes : taken) {
    if (Pair* pair = find(saes)) agenda_.set(*pair, agenda_.kNext);
  }
}

MonotonicTime KeyStore::next_look(const Pair& pair) const {
  MonotonicTime next = agenda_.kNever;
  if (!pair.ready.empty()) next = std::min(next, not_after(pair.ready.front()));
  if (const auto old = pair.leased->first_not_after()) next = std::min(next, *old);
  if (!in_use(pair)) return next;
  if (!pair.configured) next = std::min(next, *pair.asked_at + parts_.config.key_store.idle);
  const bool leases =
      pair.leasing || (pair.leased->available() < pair.window.keys() / 2 && !pair.ready.empty());
  if (leases || pair.window.keys() > LeaseWindow::kLeast) return agenda_.kNext;
  // What is under way, or waits for others, tells when it is over.
  const bool is_filled = pair.bundles_under_way > 0 || pair.waits_to_fill;
  const bool lacks_keys = pair.filling || Pair::is_low(pair.level(), target_of(pair));
  return lacks_keys && !is_filled ? std::min(next, pair.retry_at) : next;
}

void KeyStore::settle(Pair& pair, std::vector<BundleId>& dropped) {
  const MonotonicTime now = parts_.clock.now();
  if (const std::uint64_t taken = pair.leased->count_taken(); taken > 0) {
    pair.demand.add(taken, now);
    pair.asked_at = now;
    keys_in_all_ -= std::min(keys_in_all_, taken);
  }
  pair.window.note_time(now);
  drop_old(pair, dropped);
  if (!pair.spent.empty()) drop_spent(pair, dropped);
  if (in_use(pair)) tend(pair);
}

void KeyStore::drop_old(Pair& pair, std::vector<BundleId>& dropped) {
  const MonotonicTime now = parts_.clock.now();
  while (!pair.leasing && !pair.ready.empty() && not_after(pair.ready.front()) <= now) {
    const Bundle& old = pair.ready.front();
    dropped.push_back(old.id);
    pair.on_disk -= old.end - old.first;
    keys_in_all_ -= old.end - old.first;
    pair.ready.pop_front();
  }
  if (pair.leased->available() > 0) keys_in_all_ -= pair.leased->drop_old(now);
}

void KeyStore::drop_spent(Pair& pair, std::vector<BundleId>& dropped) {
  const auto oldest = pair.leased->oldest();
  while (!pair.spent.empty() && pair.spent.front() != oldest) {
    dropped.push_back(pair.spent.front());
    pair.spent.pop_front();
  }
}

void KeyStore::close(Task done) {
  closing_ = true;
  closed_ = std::move(done);
  if (!lease_running_) give_back();
}

void KeyStore::give_back() {
  std::vector<store::ReadyReturn> returns;
  for (auto& [saes, pair] : pairs_) {
    for (Pair::Waiting& waiting : std::exchange(pair->waiting, {})) waiting.done(std::nullopt);
    for (LeasedBatch& batch : pair->leased->take_back()) {
      const bool follows = !returns.empty() && returns.back().bundle == batch.bundle;
      if (follows) {
        returns.back().keys.append(batch.keys.view());
      } else {
        returns.push_back({batch.bundle, batch.first, std::move(batch.keys)});
      }
    }
  }
  parts_.store.return_ready(std::move(returns), [this](const Result<void>& returned) {
    pass(FaultPoint::ready_returned);
    if (!returned) log::error("ready keys could not be given back: {}", returned.error().message);
    std::exchange(closed_, {})();
  });
}

}  // namespace dske::kme
