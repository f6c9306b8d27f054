// Key delivery: what the three methods of ETSI GS QKD 014 do (V1.1.1, clauses 5 and 6).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "dske/initiator.h"
#include "dske/sae_directory.h"
#include "etsi014/api_error.h"
#include "etsi014/key_container.h"
#include "etsi014/key_request.h"
#include "etsi014/status.h"
#include "kme/bundle_fetches.h"
#include "kme/delivery_records.h"
#include "kme/held_keys.h"
#include "kme/hub_roster.h"
#include "kme/key_issue.h"
#include "kme/key_store.h"
#include "kme/kme_config.h"
#include "kme/lookup_budget.h"

namespace dske::kme {

/// Lives on the event loop, but for what says otherwise; every callback runs there.
class KeyDelivery {
 public:
  template <class T>
  using Done = UniqueFunction<void(etsi014::ApiResult<T>)>;
  using Keys = std::vector<etsi014::Key>;

  /// The parts that it works with; they must outlive it and its callbacks.
  struct Parts {
    const KmeConfig& config;
    const HubRoster& roster;
    const std::vector<std::shared_ptr<HubLink>>& links;
    SaeDirectory& directory;
    Initiator& initiator;
    HeldKeys& held;
    BundleFetches& fetches;
    DeliveryRecords& records;
    PsrdAllowance& allowance;
    KeyStore& key_store;
    EventLoop& loop;
    const Clock& clock;
  };
  explicit KeyDelivery(const Parts& parts);

  /// "Get status": `master` is the caller.
  void status(const SaeId& master, const SaeId& slave, Done<etsi014::Status> done);

  /// "Get key" if the key store can answer it at once. Thread-safe, does not wait.
  [[nodiscard]] std::optional<Keys> ready_keys(const SaeId& master, const SaeId& slave,
                                               const etsi014::KeyRequest& request);
  /// "Get key", from the key store or made for the request; each key is given out once.
  void enc_keys(const SaeId& master, const SaeId& slave, const etsi014::KeyRequest& request,
                KeyIssue::Done done);

  /// Keys that were taken for an SAE, to be reported on: whether their answer reached it.
  struct Delivery {
    SaeId sae;
    std::vector<HeldKeys::Part> parts;
  };
  struct Delivered {
    Keys keys;
    std::shared_ptr<Delivery> delivery;
  };
  /// "Get key with key IDs": all keys or none; `slave` is the caller. The keys count as delivered until
  /// delivery_failed(). Fetches from the hubs what is not held.
  void dec_keys(const SaeId& slave, const SaeId& master, std::vector<KeyId> ids, Done<Delivered> done);
  /// The same if nothing must be fetched, else nothing. From any thread.
  [[nodiscard]] std::optional<etsi014::ApiResult<Delivered>> dec_keys_at_once(const SaeId& slave,
                                                                              const SaeId& master,
                                                                              const std::vector<KeyId>& ids);
  /// The kernel took the whole answer: the removal becomes durable in a moment. From any thread.
  void delivery_succeeded(const std::shared_ptr<Delivery>& delivery);
  /// The connection broke before: the same SAE may ask again. From any thread.
  void delivery_failed(const std::shared_ptr<Delivery>& delivery);

  [[nodiscard]] std::uint64_t keys_delivered() const { return keys_delivered_; }

 private:
  struct Collection;

  void collect(const std::shared_ptr<Collection>& collection, const BundleId& id);
  void fetch(const std::shared_ptr<Collection>& collection, const BundleName& name);
  void collected(const std::shared_ptr<Collection>& collection);
  [[nodiscard]] etsi014::ApiResult<Delivered> deliver(const SaeId& slave, const SaeId& master,
                                                      const std::vector<KeyId>& ids);
  /// Gives back what a question took from the SAE's budget, by what became of it.
  template <class T>
  void settle(const SaeId& sae, const Result<T>& answer) {
    if (answer) {
      budget_.give_back(sae);
    } else if (answer.error().kind != ErrorKind::not_found) {
      budget_.give_back_most(sae);
    }
  }
  [[nodiscard]] std::uint32_t keys_available(const SaeLocation& location) const;
  /// The answer to a failed look-up of an SAE.
  [[nodiscard]] etsi014::ApiError not_located(const SaeId& sae, const Error& error) const;

  const KmeConfig& config_;
  const HubRoster& roster_;
  const std::vector<std::shared_ptr<HubLink>>& links_;
  SaeDirectory& directory_;
  HeldKeys& held_;
  BundleFetches& fetches_;
  DeliveryRecords& records_;
  KeyStore& key_store_;
  EventLoop& loop_;
  const Clock& clock_;
  LookupBudget budget_;
  KeyIssue issue_;
  std::atomic<std::uint64_t> keys_delivered_ = 0;
};

}  // namespace dske::kme
