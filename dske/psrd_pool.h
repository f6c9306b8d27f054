// The PSRD that one client and one hub share, as one of them holds it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "dske/allocation.h"
#include "dske/psrd_block.h"
#include "dske/psrd_store.h"
#include "dske/zone_bytes.h"

namespace dske {

/// Bytes taken for one purpose, and where they lay.
struct Reserved {
  Allocation allocation;
  SecretBytes bytes;
};

/// How much of one zone is left, over all blocks of a pool.
struct ZoneLevel {
  std::uint64_t left_bytes = 0;
  std::uint64_t total_bytes = 0;
};

/// Allocates from the own half of its blocks, never beyond what has been leased, and gives each byte of the
/// peer's half out once. The own bytes come with their leases, the peer's are read from the block when they
/// are needed (peek and take; who must not wait uses locate and mark_taken). Making leases durable is
/// LeasedPool's part. Not thread-safe.
class PsrdPool {
 public:
  explicit PsrdPool(Side own) : own_(own) {}

  /// Blocks are used in the order in which they were added. A block that is not `allocatable` yet serves for
  /// receiving only: a hub must not send from a block that its client may not have ingested.
  void add_block(PsrdBlock block, bool allocatable);
  void set_allocatable(const BlockId& block);
  /// Allocates nothing from the block any more, until set_allocatable().
  void set_aside(const BlockId& block);
  /// The same for good: its own bytes cannot be read.
  void set_damaged(const BlockId& block);
  void remove_block(const BlockId& block);
  [[nodiscard]] bool has_block(const BlockId& block) const { return find(block) != nullptr; }
  [[nodiscard]] std::vector<BlockId> blocks() const;
  [[nodiscard]] std::vector<BlockId> allocatable_blocks() const;

  /// Takes `size` bytes from the own half. ErrorKind::exhausted when the zone has not as many left, or only
  /// in more than kFragmentsMost pieces; ErrorKind::unavailable when it has, but a lease must be extended
  /// first (lease_wish).
  [[nodiscard]] Result<Reserved> allocate(Zone zone, std::uint64_t size);

  /// The leases to extend so that `size` more bytes can be allocated with some in reserve; empty if the
  /// reserve is there already or nothing more can be leased. Among them are those that only wipe what was
  /// used to a zone's end. While a lease is being made durable, do not ask for a further one.
  [[nodiscard]] std::vector<PsrdLease> lease_wish(Zone zone, std::uint64_t size) const;
  /// A lease has become durable; `bytes` are those of [begin, end).
  void leased(const PsrdLease& lease, SecretBytes bytes);
  /// What has been leased and not used, for a clean stop. Allocate nothing afterwards.
  [[nodiscard]] std::vector<PsrdReturn> lease_return() const;

  /// A copy of bytes of the peer's half, without taking them. ErrorKind::unauthenticated if a fragment is not
  /// of this pool's blocks, not wholly in that zone, or has been used or discarded.
  [[nodiscard]] Result<SecretBytes> peek(Zone zone, const Allocation& allocation) const;
  /// Takes bytes of the peer's half: they are refused from now on. Errors as peek(); takes all or nothing.
  [[nodiscard]] Result<SecretBytes> take(Zone zone, const Allocation& allocation);

  /// Where bytes of the peer's half are to be read. Errors as peek().
  using Sources = std::vector<std::pair<std::shared_ptr<PsrdBytes>, Fragment>>;
  [[nodiscard]] Result<Sources> locate(Zone zone, const Allocation& allocation) const;
  [[nodiscard]] static Result<SecretBytes> read(const Sources& sources);
  /// As take(), of bytes that have been read.
  [[nodiscard]] Result<void> mark_taken(Zone zone, const Allocation& allocation);

  /// Discards and wipes the peer's bytes below `floor`; a lower floor than the present one changes nothing.
  void raise_floor(const BlockId& block, Zone zone, std::uint64_t floor);
  /// Skips the own bytes below `position`: the peer has seen them used, so this side's state was set back.
  /// Answers whether it had to.
  bool skip_used(const BlockId& block, Zone zone, std::uint64_t position);

  /// The next own byte; and the end of the highest range of the peer's zone that was used (its floor if
  /// none).
  [[nodiscard]] std::uint64_t next(const BlockId& block, Zone zone) const;
  [[nodiscard]] std::uint64_t highest_seen(const BlockId& block, Zone zone) const;
  /// Floors that have risen since the last call, to be made durable and wiped on disk.
  [[nodiscard]] std::vector<PsrdFloor> take_risen_floors();

  [[nodiscard]] ZoneLevel level(Side side, Zone zone) const;
  /// PSRD bytes that were leased and are held in memory.
  [[nodiscard]] std::uint64_t bytes_in_memory() const;
  /// What one zone of one block has left.
  [[nodiscard]] ZoneLevel block_level(const BlockId& block, Side side, Zone zone) const;

 private:
  struct OwnZone {
    std::uint64_t next = 0;
    std::uint64_t lease_end = 0;
    std::uint64_t end = 0;
    std::uint64_t wiped_to = 0;  // what lies below is wiped on disk
    ZoneBytes leased;            // those of [next, lease_end)
  };
  struct PeerZone {
    std::uint64_t floor = 0;
    std::uint64_t end = 0;
    std::uint64_t highest_seen = 0;
    bool risen = false;
    std::map<std::uint64_t, std::uint64_t>
        used;  // ranges above the floor: begin -> end, none touching another
  };
  struct Block {
    BlockId id;
    PsrdLayout layout;
    std::shared_ptr<PsrdBytes> bytes;
    bool allocatable = false;
    PerZone<OwnZone> own;
    PerZone<PeerZone> peer;
    bool damaged = false;
  };

  [[nodiscard]] const Block* find(const BlockId& id) const;
  [[nodiscard]] Block* find(const BlockId& id);
  [[nodiscard]] Result<void> check(Zone zone, const Fragment& fragment) const;
  static void mark_used(PeerZone& zone, std::uint64_t begin, std::uint64_t end);
  /// Of how many blocks the next `size` leased bytes are.
  [[nodiscard]] std::size_t pieces(Zone zone, std::uint64_t size) const;
  [[nodiscard]] ZoneLevel level_of(const Block& block, Side side, Zone zone) const;

  Side own_;
  std::vector<Block> blocks_;
};

}  // namespace dske
