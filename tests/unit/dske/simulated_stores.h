// Stores that keep what is durable in memory, and can be slow, fail or lose power.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "dske/hub_link.h"
#include "dske/initiator.h"
#include "dske/psrd_block.h"
#include "dske/psrd_store.h"
#include "simulated_block.h"
#include "simulated_loop.h"

namespace dske::test {

/// Carries out operations one after the other, each after `delay`; what has not been carried out when the
/// power goes is lost, and nobody hears of it.
class SimulatedDisk {
 public:
  explicit SimulatedDisk(SimulatedLoop& loop) : loop_(loop) {}

  std::chrono::microseconds delay{0};
  std::optional<Error> failure;  ///< what every operation fails with

  void run(UniqueFunction<Result<void>()> operation, PsrdStore::Done done) {
    const MonotonicTime begin = std::max(loop_.now(), busy_until_);
    busy_until_ = begin + delay;
    loop_.after(busy_until_ - loop_.now() + std::chrono::nanoseconds(++count_),
                [this, life = std::weak_ptr<int>(life_), operation = std::move(operation),
                 done = std::move(done)]() mutable {
                  if (life.expired()) return;
                  Result<void> result = failure ? Result<void>(*failure) : operation();
                  done(std::move(result));
                });
  }
  void lose_power() { life_ = std::make_shared<int>(0); }

 private:
  SimulatedLoop& loop_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
  MonotonicTime busy_until_{};
  int count_ = 0;  // operations that end at one moment end in their order
};

class SimulatedPsrdStore final : public PsrdStore {
 public:
  SimulatedPsrdStore(SimulatedLoop& loop, Side own) : disk(loop), own_(own) {}

  SimulatedDisk disk;

  void add(const BlockId& id, const PsrdLayout& layout, ByteView data) {
    blocks_.insert_or_assign(id, SimulatedBlock(id, layout, data, own_));
  }
  void remove(const BlockId& id) { blocks_.erase(id); }

  /// The blocks as a restart finds them.
  [[nodiscard]] std::vector<PsrdBlock> read() const {
    std::vector<PsrdBlock> blocks;
    for (const auto& [id, block] : blocks_) blocks.push_back(block.read());
    return blocks;
  }
  [[nodiscard]] const SimulatedBlock& block(const BlockId& id) const { return blocks_.at(id); }

  void extend_leases(std::vector<PsrdLease> leases, Leased done) override {
    ++lease_calls;
    auto bytes = std::make_shared<std::vector<SecretBytes>>();
    disk.run(
        [this, leases = std::move(leases), bytes]() -> Result<void> {
          for (const PsrdLease& lease : leases) {
            if (!blocks_.contains(lease.block)) return Error{ErrorKind::not_found, "no such block"};
            if (damaged.contains(lease.block)) return Error{ErrorKind::corrupt, "a damaged block"};
            auto leased = blocks_.at(lease.block).extend(lease);
            if (!leased) return leased.error();
            bytes->push_back(std::move(*leased));
          }
          return {};
        },
        [bytes, done = std::move(done)](const Result<void>& result) mutable {
          if (!result) return done(result.error());
          done(std::move(*bytes));
        });
  }

  void return_leases(std::vector<PsrdReturn> returns, Done done) override {
    disk.run(
        [this, returns = std::make_shared<std::vector<PsrdReturn>>(std::move(returns))]() -> Result<void> {
          for (const PsrdReturn& returned : *returns) {
            if (auto put_back = blocks_.at(returned.block).put_back(returned); !put_back) return put_back;
          }
          return {};
        },
        std::move(done));
  }

  void raise_floors(std::vector<PsrdFloor> floors, Done done) override {
    disk.run(
        [this, floors = std::move(floors)]() -> Result<void> {
          for (const PsrdFloor& floor : floors) blocks_.at(floor.block).raise(floor);
          return {};
        },
        std::move(done));
  }

  std::size_t lease_calls = 0;
  std::set<BlockId> damaged;  ///< nothing of these can be leased

 private:
  Side own_;
  std::map<BlockId, SimulatedBlock> blocks_;
};

class SimulatedRegistrationStore final : public RegistrationStore {
 public:
  explicit SimulatedRegistrationStore(SimulatedLoop& loop) : disk(loop) {}

  SimulatedDisk disk;
  std::map<HubId, std::uint64_t> numbers;

  void next_registration_number(const HubId& hub, UniqueFunction<void(Result<std::uint64_t>)> done) override {
    auto number = std::make_shared<std::uint64_t>(0);
    disk.run(
        [this, hub, number]() -> Result<void> {
          *number = ++numbers[hub];
          return {};
        },
        [number, done = std::move(done)](const Result<void>& result) mutable {
          if (!result) return done(result.error());
          done(*number);
        });
  }
};

class SimulatedInitiatorStore final : public InitiatorStore {
 public:
  explicit SimulatedInitiatorStore(SimulatedLoop& loop) : disk(loop) {}

  SimulatedDisk disk;
  std::optional<Error> begin_failure;
  std::map<BundleId, std::vector<HubId>> begun;  ///< neither acknowledged nor forgotten
  std::set<BundleId> acknowledged;

  void begin_bundle(const BundleId& id, std::vector<HubId> hubs, MonotonicTime /*expires*/,
                    Done done) override {
    disk.run(
        [this, id, hubs = std::move(hubs)]() mutable -> Result<void> {
          if (begin_failure) return *begin_failure;
          begun[id] = std::move(hubs);
          return {};
        },
        std::move(done));
  }
  void acknowledge_bundle(const BundleId& id, Done done) override {
    disk.run(
        [this, id]() -> Result<void> {
          begun.erase(id);
          acknowledged.insert(id);
          return {};
        },
        std::move(done));
  }
  void forget_bundle(const BundleId& id, Done done) override {
    disk.run(
        [this, id]() -> Result<void> {
          begun.erase(id);
          acknowledged.erase(id);
          return {};
        },
        std::move(done));
  }
};

}  // namespace dske::test
