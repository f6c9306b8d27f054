#include "kme/config_watch.h"

#include <utility>

#include <sys/stat.h>

#include "base/log.h"

namespace dske::kme {

// What the file held before this began may have changed since it was read, so the first look reads it again.
ConfigWatch::ConfigWatch(const KmeConfig& running) : running_(running), seen_(stamp()) {}

std::string ConfigWatch::stamp() const {
  struct stat status {};
  if (::stat(running_.file.c_str(), &status) != 0) return "none";
  std::string text;
  for (const std::int64_t part :
       {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
        static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
        static_cast<std::int64_t>(status.st_mtim.tv_nsec)}) {
    text += std::to_string(part) + ' ';
  }
  return text;
}

std::optional<Result<std::vector<ConfiguredHub>>> ConfigWatch::changed_hubs() {
  const std::string now = stamp();
  const bool still_changes = std::exchange(seen_, now) != now;
  if (still_changes || now == read_) return std::nullopt;
  read_ = now;
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
