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
    blocks_[id] = PsrdBlock::fresh(id, layout, SecretBytes::copy_of(data), own_);
  }
  void remove(const BlockId& id) { blocks_.erase(id); }

  /// The blocks as a restart finds them.
  [[nodiscard]] std::vector<PsrdBlock> read() const {
    std::vector<PsrdBlock> blocks;
    for (const auto& [id, block] : blocks_) blocks.push_back(copy_of(block));
    return blocks;
  }
  [[nodiscard]] const PsrdBlock& block(const BlockId& id) const { return blocks_.at(id); }

  void extend_leases(std::vector<PsrdLease> leases, Done done) override {
    ++lease_calls;
    disk.run(
        [this, leases = std::move(leases)]() -> Result<void> {
          for (const PsrdLease& lease : leases) {
            PsrdBlock& block = blocks_.at(lease.block);
            if (lease.end < lease.wipe_end || lease.end > block.layout.end(own_, lease.zone) ||
                lease.wipe_begin > lease.wipe_end ||
                lease.wipe_begin < block.layout.begin(own_, lease.zone)) {
              return Error{ErrorKind::internal, "a lease that makes no sense"};
            }
            block.lease_end[lease.zone] = lease.end;
            wipe(block.data.span().subspan(lease.wipe_begin, lease.wipe_end - lease.wipe_begin));
          }
          return {};
        },
        std::move(done));
  }

  void raise_floors(std::vector<PsrdFloor> floors, Done done) override {
    disk.run(
        [this, floors = std::move(floors)]() -> Result<void> {
          for (const PsrdFloor& floor : floors) {
            PsrdBlock& block = blocks_.at(floor.block);
            std::uint64_t& present = block.floor[floor.zone];
            if (floor.floor <= present) continue;
            wipe(block.data.span().subspan(present, floor.floor - present));
            present = floor.floor;
          }
          return {};
        },
        std::move(done));
  }

  std::size_t lease_calls = 0;

 private:
  static PsrdBlock copy_of(const PsrdBlock& block) {
    return {block.id, block.layout, block.data.clone(), block.lease_end, block.floor};
  }

  Side own_;
  std::map<BlockId, PsrdBlock> blocks_;
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
