#include "store/deadline_columns.h"

#include <chrono>

namespace dske::store {

void bind_deadline(Query& query, const DurableDeadline& deadline) {
  query.bind(std::string_view(deadline.boot_id)).bind(deadline.boottime_nanos).bind(deadline.wall_seconds);
}

DurableDeadline read_deadline(const Query& query, int column) {
  return {std::string(query.text(column)), query.integer(column + 1), query.integer(column + 2)};
}

DeadlineNow DeadlineNow::of(const Clock& clock) {
  const auto wall = std::chrono::floor<std::chrono::seconds>(clock.wall().time_since_epoch());
  return {dske::boot_id(), clock.now().time_since_epoch().count(), wall.count()};
}

void DeadlineNow::bind(Query& query) const {
  query.bind(std::string_view(boot_id)).bind(boottime_nanos).bind(wall_seconds);
}

}  // namespace dske::store
