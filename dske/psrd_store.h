// What the pools need of durable storage.
#pragma once

#include <cstdint>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "dske/psrd_layout.h"

namespace dske {

/// The right to use the owner's bytes of a zone below `end`, once it is durable. What lies in [wipe_begin,
/// wipe_end) has been consumed and is wiped on disk with it.
struct PsrdLease {
  BlockId block;
  Zone zone = Zone::authenticator;
  std::uint64_t end = 0;
  std::uint64_t wipe_begin = 0;
  std::uint64_t wipe_end = 0;
};

/// All of the peer's bytes of a zone below `floor` have been used or discarded; they are wiped on disk.
struct PsrdFloor {
  BlockId block;
  Zone zone = Zone::authenticator;
  std::uint64_t floor = 0;
};

/// Thread-safe. Calls return at once; `done` is called later, once, on a thread of the store's choice.
class PsrdStore {
 public:
  using Done = UniqueFunction<void(Result<void>)>;

  virtual ~PsrdStore() = default;
  /// Makes all of `leases` durable, or none. After a restart, blocks come back with lease_end = `end`.
  virtual void extend_leases(std::vector<PsrdLease> leases, Done done) = 0;
  /// Makes floors durable.
  virtual void raise_floors(std::vector<PsrdFloor> floors, Done done) = 0;
};

}  // namespace dske
