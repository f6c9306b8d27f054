// The key store: keys that are established before a master asks for them, so that its request is answered in
// the time of one local call.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/mutex.h"
#include "base/unique_function.h"
#include "dske/initiator.h"
#include "etsi014/key_container.h"
#include "etsi014/key_request.h"
#include "kme/kme_config.h"
#include "kme/leased_keys.h"
#include "kme/pair_agenda.h"
#include "kme/store_level.h"
#include "store/kme_store.h"

namespace dske::kme {

/// What the key store needs of durable storage; contracts as in store::KmeStore. Callbacks run on the event
/// loop; calls take effect in their order.
class ReadyStore {
 public:
  template <class T>
  using Answer = UniqueFunction<void(Result<T>)>;
  virtual ~ReadyStore() = default;
  virtual void add_ready(store::ReadyBundle bundle, Answer<void> done) = 0;
  virtual void lease_ready(std::vector<store::ReadyLease> leases,
                           Answer<std::vector<store::ReadyLeased>> done) = 0;
  virtual void return_ready(std::vector<store::ReadyReturn> returns, Answer<void> done) = 0;
  virtual void drop_ready(std::vector<BundleId> bundles, Answer<void> done) = 0;
};

/// Keeps keys of the default size ready for each pair of SAEs that is in use: one whose master has asked not
/// long ago, or that is configured. How many, follows what is taken (KeyDemand).
///
/// A key is in one of three places. On disk alone, sealed. Leased: durably taken from the disk into memory,
/// where HTTP workers find it (LeasedKeys); a crash loses it, so that no key is given out twice. Or given
/// out. Lives on the event loop, but for take().
class KeyStore {
 public:
  using Keys = std::vector<etsi014::Key>;
  using Taken = UniqueFunction<void(std::optional<Keys>)>;

  /// Initiator::establish().
  using Establish = std::function<void(BundleRequest, Initiator::Done)>;

  /// The parts that it works with; they must outlive it and its callbacks.
  struct Parts {
    const KmeConfig& config;
    Establish establish;
    std::function<bool(const BundleRequest&)> allows;  ///< PsrdAllowance::allows_ahead()
    ReadyStore& store;
    EventLoop& loop;
    const Clock& clock;
  };
  explicit KeyStore(Parts parts);
  ~KeyStore();
  KeyStore(const KeyStore&) = delete;
  KeyStore& operator=(const KeyStore&) = delete;

  /// `number` keys for the master, if as many are leased. Thread-safe, does not wait.
  [[nodiscard]] std::optional<Keys> take(const etsi014::SaePair& pair, std::uint32_t number);
  /// The same, leasing what is missing first; nothing if there are not as many.
  void take_leasing(const etsi014::SaePair& pair, std::uint32_t number, Taken done);

  /// The master has asked for the pair, and for `number` keys that had to be made for it: from now on the
  /// pair is in use.
  void asked(const etsi014::SaePair& pair, std::uint32_t number);
  /// How many keys are ready.
  [[nodiscard]] std::uint32_t level(const etsi014::SaePair& pair) const;

  /// What the operator is shown.
  struct PairFigures {
    etsi014::SaePair pair;
    std::uint32_t ready = 0;
    std::uint32_t leased = 0;  ///< of them
    std::uint32_t target = 0;
    double keys_per_second = 0;
  };
  [[nodiscard]] std::vector<PairFigures> figures(std::size_t most) const;
  [[nodiscard]] std::size_t pairs() const { return pairs_.size(); }
  [[nodiscard]] std::uint64_t ready_keys() const;
  /// Given out since the start. Thread-safe.
  [[nodiscard]] std::uint64_t keys_issued() const { return issued_; }
  /// What failed last; empty once keys could be made.
  [[nodiscard]] const std::string& last_failure() const { return last_failure_; }

  /// Takes over what the store had. Before any other call.
  void load(const std::vector<store::ReadyEntry>& entries);
  /// To be called every second: follows demand, fills, drops what is too old. Looks only at pairs with which
  /// there is something to do.
  void settle();
  /// Gives unused leases back; `done` when that is durable. No keys may be taken any more.
  void close(Task done);

 private:
  struct Pair;
  struct Bundle;

  Pair& pair_of(const etsi014::SaePair& saes);
  Pair* find(const etsi014::SaePair& saes) const;
  [[nodiscard]] std::uint32_t target_of(const Pair& pair) const;
  /// How many of the ready keys are to be leased.
  [[nodiscard]] std::uint32_t window_of(const Pair& pair) const;
  [[nodiscard]] bool in_use(const Pair& pair) const;
  [[nodiscard]] MonotonicTime not_after(const Bundle& bundle) const;

  void tend(Pair& pair);
  /// Leases what the pair's window lacks, together with others of the moment.
  void lease(Pair& pair);
  void send_leases();
  void leased(const std::vector<Pair*>& pairs, const std::vector<store::ReadyLease>& leases,
              Result<std::vector<store::ReadyLeased>> answer);
  /// Notes why something failed; not every time in the log.
  void warn(const std::string& cause);
  /// Those that the lease was too small for wait for the next one.
  void answer_waiting(Pair& pair, bool may_lease_more);

  /// Begins as many bundles as the pair lacks, within the limits of what may be under way.
  void fill(Pair& pair);
  [[nodiscard]] std::uint32_t next_bundle_size(const Pair& pair) const;
  void filled(const etsi014::SaePair& saes, std::uint32_t asked_for, BundleResult result);
  void fill_failed(Pair& pair, const Error& error);
  void keep(Pair& pair, EstablishedBundle bundle);
  void fill_waiting();

  /// Notes pairs whose keys were given out by HTTP workers.
  void gather_taken();
  void settle(Pair& pair, std::vector<BundleId>& dropped);
  /// When settle() must look at the pair if nothing happens to it until then.
  [[nodiscard]] MonotonicTime next_look(const Pair& pair) const;
  void drop_old(Pair& pair, std::vector<BundleId>& dropped);
  void drop_spent(Pair& pair, std::vector<BundleId>& dropped);
  void give_back();

  Parts parts_;
  const std::uint32_t key_size_bytes_;
  LeasedKeysByPair leased_keys_;
  std::map<etsi014::SaePair, std::unique_ptr<Pair>> pairs_;
  PairAgenda<Pair> agenda_;  // of settle()
  Mutex taken_mutex_;
  std::vector<etsi014::SaePair> taken_ GUARDED_BY(taken_mutex_);  // of which keys were given out
  std::deque<etsi014::SaePair> waiting_to_fill_;
  std::size_t filling_ = 0;        // bundles under way
  std::uint64_t keys_in_all_ = 0;  // ready or under way
  std::deque<Pair*> leasing_;      // for the next lease
  bool lease_running_ = false;
  MonotonicTime warned_at_;
  std::string last_failure_;
  std::atomic<std::uint64_t> issued_ = 0;
  Task closed_;
  bool closing_ = false;
};

}  // namespace dske::kme
