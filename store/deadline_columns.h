// Deadlines in the database: the columns boot_id, boottime_nanos and wall_seconds of a table.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "store/database.h"

namespace dske::store {

/// Binds the three columns, in their order.
void bind_deadline(Query& query, const DurableDeadline& deadline);
/// Reads them from the query's row, the first at `column`.
[[nodiscard]] DurableDeadline read_deadline(const Query& query, int column);

/// Now, to be compared with stored deadlines: as in DurableDeadline::monotonic, those of this boot count by
/// the monotonic clock, those of another by the wall clock.
struct DeadlineNow {
  std::string boot_id;
  std::int64_t boottime_nanos = 0;
  std::int64_t wall_seconds = 0;

  [[nodiscard]] static DeadlineNow of(const Clock& clock);
  /// Binds the parameters of a query with DSKE_DEADLINE_OVER.
  void bind(Query& query) const;
};

}  // namespace dske::store

/// The SQL condition that a row's deadline is over; a query with it has no other parameters. (A macro, to be
/// joined with literals. The two halves of its OR each have an index.)
#define DSKE_DEADLINE_OVER                                     \
  "((boot_id = ?1 AND boot_id <> '' AND boottime_nanos <= ?2)" \
  " OR (wall_seconds <= ?3 AND (boot_id <> ?1 OR boot_id = '')))"
