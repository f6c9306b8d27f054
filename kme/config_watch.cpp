#include "kme/config_watch.h"

#include <utility>

#include "base/log.h"

namespace dske::kme {

// What the file held before this began may have changed since it was read, so the first look reads it again.
ConfigWatch::ConfigWatch(const KmeConfig& running)
    : running_(running), watch_(running.file, FileWatch::First::unknown) {}

std::optional<Result<std::vector<ConfiguredHub>>> ConfigWatch::changed_hubs() {
  if (!watch_.has_changed()) return std::nullopt;
  return read();
}

Result<std::vector<ConfiguredHub>> ConfigWatch::read() const {
  auto fresh = read_kme_config(running_.file);
  if (!fresh) return fresh.error();
  if (fresh->hubs_listed != running_.hubs_listed)
    return invalid("whether `hubs` are listed at all changes only at a start");
  if (fresh->hubs_listed && fresh->hubs.size() < running_.shares_required) {
    return invalid(std::to_string(fresh->hubs.size()) + " hubs are fewer than the " +
                   std::to_string(running_.shares_required) +
                   " shares that are required until the next start");
  }
  if (fresh->shares_required != running_.shares_required) {
    log::warning("shares_required stays {} until the next start, then it is {}", running_.shares_required,
                 fresh->shares_required);
  }
  return std::move(fresh->hubs);
}

}  // namespace dske::kme
