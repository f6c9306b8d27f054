#include "store/set_back_guard.h"

#include <algorithm>
#include <optional>
#include <system_error>

#include "base/fault_point.h"
#include "base/file.h"
#include "base/log.h"

namespace dske::store {

const std::string_view kSetBackTables = R"(
CREATE TABLE generation (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL) STRICT;
INSERT INTO generation (one, value) VALUES (1, 0);
)";

namespace {

Result<std::uint64_t> read_generation(Database& database) {
  auto query = database.query("SELECT value FROM generation");
  const auto row = query.step();
  if (!row) return row.error();
  if (!*row) return Error{ErrorKind::corrupt, database.path() + ": its generation is missing"};
  return query.number(0);
}

bool was_set_back(const std::optional<SetBackMarker>& marker, std::uint64_t generation) {
  return !marker || marker->copied || marker->generation > generation;
}

const char* cause_of(const std::optional<SetBackMarker>& marker) {
  if (!marker) return "the marker beside the store is missing or damaged";
  if (marker->copied)
    return "the store is a copy, from a backup or from elsewhere, and may be of any earlier time";
  return "the store was set back to an earlier state";
}

// Drops what may have been used since, and brings the database to the marker's generation, or to a new one if
// there is no marker. Belongs into a transaction. Answers the blocks.
Result<std::vector<BlockId>> drop_opened(Database& database, BlockVault& vault,
                                         const std::optional<SetBackMarker>& marker, std::uint64_t generation,
                                         Side own) {
  PsrdTables blocks(database, vault, own);
  const bool all = !marker || marker->copied || generation < marker->complete_after;
  auto doomed = blocks.ids(!all);
  if (!doomed) return doomed;
  if (marker) {
    for (const auto& opened : marker->opened) {
      if (auto remembered = blocks.remember(opened.block); !remembered) return remembered.error();
      const auto found = blocks.find(opened.block);
      if (!found) return found.error();
      const bool listed = std::find(doomed->begin(), doomed->end(), opened.block) != doomed->end();
      if (*found && !listed) doomed->push_back(opened.block);
    }
  }
  for (const BlockId& block : *doomed) {
    if (auto dropped = blocks.drop(block); !dropped) return dropped.error();
  }
  if (own == Side::client) {
    // What was not acknowledged then may have been since, and its keys given to a master: it must not be
    // withdrawn.
    if (auto kept = database.query("DELETE FROM posted_bundle").run(); !kept) return kept.error();
    // Keys that were ready then may have been issued since.
    if (auto gone = database.query("DELETE FROM ready_bundle").run(); !gone) return gone.error();
  }
  auto raised = database.query("UPDATE generation SET value = ?")
                    .bind(std::max(marker ? marker->generation : 0, all ? generation + 1 : 0))
                    .run();
  if (!raised) return raised.error();
  return doomed;
}

Result<std::vector<BlockId>> recover(Database& database, BlockVault& vault,
                                     const std::optional<SetBackMarker>& marker, std::uint64_t generation,
                                     Side own) {
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  auto dropped = drop_opened(database, vault, marker, generation, own);
  Result<void> committed;
  if (dropped) committed = database.execute("COMMIT");
  if (!dropped || !committed) {
    [[maybe_unused]] const auto ignored = database.execute("ROLLBACK");
    database.forget_on_commit(0);
    return dropped ? committed.error() : dropped.error();
  }
  database.run_on_commit();
  // The wiped contents leave the WAL at once.
  if (auto emptied = database.checkpoint(); !emptied) return emptied.error();
  return dropped;
}

}  // namespace

std::filesystem::path marker_path(const std::filesystem::path& state_dir) {
  return state_dir / "store.marker";
}

Result<void> create_marker(const std::filesystem::path& state_dir) {
  const std::filesystem::path path = marker_path(state_dir);
  std::error_code failure;
  if (std::filesystem::exists(path, failure)) return {};
  if (failure) return io_error("cannot look for " + path.string(), failure.value());
  return SetBackMarker().write(path);
}

Result<SetBackGuard::Opening> SetBackGuard::open(Database& database, BlockVault& vault,
                                                 const std::filesystem::path& state_dir, Side own) {
  const std::filesystem::path path = marker_path(state_dir);
  const auto generation = read_generation(database);
  if (!generation) return generation.error();
  auto marker = SetBackMarker::read(path);
  if (!marker) return marker.error();

  Opening opening;
  if (was_set_back(*marker, *generation)) {
    auto dropped = recover(database, vault, *marker, *generation, own);
    if (!dropped) return dropped.error();
    opening.dropped = std::move(*dropped);
    pass(FaultPoint::set_back_dropped);
    log::warning("{}: {}; PSRD blocks dropped because they may have been used since: {}", database.path(),
                 cause_of(*marker), opening.dropped.size());
    if (!*marker || (**marker).copied) {
      // Of what was opened before, nothing is known.
      const auto raised = read_generation(database);
      if (!raised) return raised.error();
      *marker = SetBackMarker{*raised, *raised, {}};
      if (auto written = (**marker).write(path); !written) return written.error();
    }
  }
  opening.guard.reset(new SetBackGuard(path, std::move(**marker)));
  return opening;
}

Result<void> SetBackGuard::before_commit(Database& database) {
  return database.query("UPDATE generation SET value = value + 1").run();
}

Result<void> SetBackGuard::after_commit(Database& database) {
  const auto generation = read_generation(database);
  if (!generation) return generation.error();
  SetBackMarker next = marker_;
  {
    auto query = database.query("SELECT id, opened FROM psrd_block WHERE opened > ? ORDER BY opened, number");
    query.bind(marker_.generation);
    while (true) {
      const auto row = query.step();
      if (!row) return row.error();
      if (!*row) break;
      const auto id = query.uuid(0);
      if (!id) return id.error();
      next.note_opened(BlockId(*id), query.number(1));
    }
  }
  next.generation = *generation;
  if (const int fault = fault_at(FaultPoint::marker_write); fault != 0)
    return io_error("cannot write " + path_.string(), fault);
  if (auto written = next.write(path_); !written) return written;
  pass(FaultPoint::marker_written);
  marker_ = std::move(next);
  return {};
}

}  // namespace dske::store
