// Follows the configuration file while the KME runs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "kme/kme_config.h"

namespace dske::kme {

/// Tells when the file has changed. Not thread-safe.
class ConfigWatch {
 public:
  /// `running` is the configuration that this process began with.
  explicit ConfigWatch(const KmeConfig& running);

  /// To be called every second or so: the hubs of the file if it has changed since and may be followed, or
  /// why it may not: it cannot be read, is faulty, has fewer hubs than shares are required, or begins or ends
  /// to list hubs at all. A file that still changes from one call to the next is left for the next.
  [[nodiscard]] std::optional<Result<std::vector<ConfiguredHub>>> changed_hubs();

 private:
  /// What tells one state of a file from another, without reading it.
  [[nodiscard]] std::string stamp() const;
  [[nodiscard]] Result<std::vector<ConfiguredHub>> read() const;

  const KmeConfig& running_;
  std::string read_;  // the stamp of what was read last
  std::string seen_;
};

}  // namespace dske::kme
