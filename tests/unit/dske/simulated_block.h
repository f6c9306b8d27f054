// A PSRD block on a simulated disk.
#pragma once

#include <memory>
#include <utility>

#include "base/result.h"
#include "base/secret.h"
#include "dske/psrd_block.h"
#include "dske/psrd_store.h"

namespace dske::test {

/// What is consumed, or given back, is wiped or written there at once.
class SimulatedBlock {
 public:
  SimulatedBlock(const BlockId& id, const PsrdLayout& layout, ByteView data, Side own)
      : own_(own),
        id_(id),
        layout_(layout),
        data_(SecretBytes::copy_of(data)),
        fresh_(PsrdBlock::fresh(id, layout, std::shared_ptr<PsrdBytes>(), own)),
        lease_end_(fresh_.lease_end),
        floor_(fresh_.floor) {}
  SimulatedBlock(const SimulatedBlock& other)
      : own_(other.own_),
        id_(other.id_),
        layout_(other.layout_),
        data_(other.data_.clone()),
        fresh_(other.fresh_),
        lease_end_(other.lease_end_),
        floor_(other.floor_) {}
  SimulatedBlock(SimulatedBlock&&) = default;
  SimulatedBlock& operator=(SimulatedBlock&&) = default;
  ~SimulatedBlock() = default;

  /// The block as a restart finds it.
  [[nodiscard]] PsrdBlock read() const {
    return {id_, layout_, std::make_shared<MemoryPsrdBytes>(data_.clone()), lease_end_, floor_};
  }
  [[nodiscard]] const PerZone<std::uint64_t>& lease_end() const { return lease_end_; }
  [[nodiscard]] const PerZone<std::uint64_t>& floor() const { return floor_; }
  [[nodiscard]] ByteView data() const { return data_.view(); }
  /// The end of a zone of the peer's half.
  [[nodiscard]] std::uint64_t end(Zone zone) const { return layout_.end(other_side(own_), zone); }

  [[nodiscard]] Result<SecretBytes> extend(const PsrdLease& lease) {
    if (lease.begin > lease.end || lease.used_to > lease.begin ||
        lease.begin < layout_.begin(own_, lease.zone) || lease.end > layout_.end(own_, lease.zone)) {
      return Error{ErrorKind::internal, "a lease that makes no sense"};
    }
    SecretBytes bytes = SecretBytes::copy_of(data_.view().subspan(lease.begin, lease.end - lease.begin));
    lease_end_[lease.zone] = lease.end;
    wipe_between(fresh_.lease_end[lease.zone], lease.used_to);
    return bytes;
  }

  [[nodiscard]] Result<void> put_back(const PsrdReturn& returned) {
    if (returned.position > lease_end_[returned.zone]) return Error{ErrorKind::internal, "not leased"};
    for (std::size_t i = 0; i < returned.bytes.size(); ++i) {
      if (data_.view()[returned.position + i] != returned.bytes.view()[i]) {
        return Error{ErrorKind::internal, "other bytes than were leased"};
      }
    }
    lease_end_[returned.zone] = returned.position;
    wipe_between(fresh_.lease_end[returned.zone], returned.position);
    return {};
  }

  void raise(const PsrdFloor& raised) {
    std::uint64_t& floor = floor_[raised.zone];
    if (raised.floor <= floor) return;
    wipe_between(floor, raised.floor);
    floor = raised.floor;
  }

 private:
  void wipe_between(std::uint64_t begin, std::uint64_t end) {
    wipe(data_.span().subspan(begin, end - begin));
  }

  Side own_;
  BlockId id_;
  PsrdLayout layout_;
  SecretBytes data_;
  PsrdBlock fresh_;
  PerZone<std::uint64_t> lease_end_;
  PerZone<std::uint64_t> floor_;
};

}  // namespace dske::test
