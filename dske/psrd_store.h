// What the pools need of durable storage.
#pragma once

#include <cstdint>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/unique_function.h"
#include "dske/psrd_layout.h"

namespace dske {

/// The right to use the owner's bytes of a zone in [begin, end), once it is durable. What lies below
/// `used_to` has been consumed and is wiped on disk before.
struct PsrdLease {
  BlockId block;
  Zone zone = Zone::authenticator;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t used_to = 0;  ///< at most `begin`
};

/// A lease that is given back: the owner's bytes from `position` on have not been used.
struct PsrdReturn {
  BlockId block;
  Zone zone = Zone::authenticator;
  std::uint64_t position = 0;
  SecretBytes bytes;  ///< from `position` to the end of what was leased
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
  using Leased = UniqueFunction<void(Result<std::vector<SecretBytes>>)>;

  virtual ~PsrdStore() = default;
  /// Makes all of `leases` durable, or none, and answers the bytes of each. After a restart, blocks come back
  /// with lease_end = `end`. A lease that was answered with an error may be asked for again.
  virtual void extend_leases(std::vector<PsrdLease> leases, Leased done) = 0;
  /// Makes all of `returns` durable, or none: after a restart, blocks come back with lease_end = `position`.
  virtual void return_leases(std::vector<PsrdReturn> returns, Done done) = 0;
  /// Makes floors durable.
  virtual void raise_floors(std::vector<PsrdFloor> floors, Done done) = 0;
};

}  // namespace dske
