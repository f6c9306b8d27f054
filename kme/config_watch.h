// Follows the configuration file while the KME runs.
#pragma once

#include <optional>
#include <vector>

#include "base/file_stamp.h"
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
  [[nodiscard]] Result<std::vector<ConfiguredHub>> read() const;

  const KmeConfig& running_;
  FileWatch watch_;
};

}  // namespace dske::kme
