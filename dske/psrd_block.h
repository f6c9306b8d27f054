// A PSRD block as one side holds it, with what is durable about its use.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/names.h"
#include "base/secret.h"
#include "dske/psrd_bytes.h"
#include "dske/psrd_layout.h"

namespace dske {

/// One value for each zone of one half.
template <class T>
struct PerZone {
  T authenticator{};
  T pad{};

  T& operator[](Zone zone) { return zone == Zone::authenticator ? authenticator : pad; }
  const T& operator[](Zone zone) const { return zone == Zone::authenticator ? authenticator : pad; }
  bool operator==(const PerZone&) const = default;
};

constexpr std::array<Zone, 2> kZones{Zone::authenticator, Zone::pad};

/// A block of the store. Positions count from the block's start.
struct PsrdBlock {
  BlockId id;
  PsrdLayout layout;
  std::shared_ptr<PsrdBytes>
      bytes;  ///< layout.total() of them; what lies below lease_end and floor may be wiped
  /// The owner's half: everything below may have been used, everything from here on has not.
  PerZone<std::uint64_t> lease_end;
  /// The peer's half: everything below has been used or discarded.
  PerZone<std::uint64_t> floor;

  /// A block that nothing has been taken from, as seen by `own` side.
  [[nodiscard]] static PsrdBlock fresh(const BlockId& id, const PsrdLayout& layout,
                                       std::shared_ptr<PsrdBytes> bytes, Side own) {
    PsrdBlock block{id, layout, std::move(bytes), {}, {}};
    for (const Zone zone : kZones) {
      block.lease_end[zone] = layout.begin(own, zone);
      block.floor[zone] = layout.begin(other_side(own), zone);
    }
    return block;
  }
};

}  // namespace dske
