// Which hubs this KME may use; changes while it runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/names.h"
#include "kme/kme_config.h"

namespace dske::kme {

/// How a PSRD file came.
enum class PsrdArrival {
  by_operator,  ///< ingest-psrd, or its management call
  by_drop,      ///< found in psrd-in/
};

/// The configuration's list of hubs, which is followed while the KME runs; or, without one, every hub whose
/// PSRD was ingested. Thread-safe.
class HubRoster {
 public:
  explicit HubRoster(const KmeConfig& config);

  /// Whether hubs are listed; otherwise a PSRD file is enough to join one.
  [[nodiscard]] bool is_list() const { return is_list_; }
  /// The listed ones.
  [[nodiscard]] std::vector<ConfiguredHub> listed() const;
  [[nodiscard]] bool has(const HubName& hub) const;
  /// Whether a file of a hub that gave no PSRD before may be ingested; if not, why.
  [[nodiscard]] Result<void> may_join(const HubName& hub, PsrdArrival arrival) const;
  /// Where the hub is reached, when its PSRD files say `otherwise`.
  [[nodiscard]] std::string endpoint(const HubName& hub, const std::string& otherwise) const;

  /// Takes over another list. REQUIRES: is_list().
  void replace(std::vector<ConfiguredHub> hubs);

 private:
  const bool is_list_;
  const bool join_dropped_;
  mutable Mutex mutex_;
  std::vector<ConfiguredHub> hubs_ GUARDED_BY(mutex_);
};

}  // namespace dske::kme
