// dske-kme serve: the parts of a KME put together.
#pragma once

#include "base/result.h"
#include "kme/kme_config.h"

namespace dske::kme {

/// Makes the state directory, an empty store, psrd-in/ and the management token. ErrorKind::conflict if there
/// is a store already.
[[nodiscard]] Result<void> init_kme(const KmeConfig& config);

/// Serves until SIGTERM, SIGINT or the management interface's stop, then stops gracefully. Fails at once if
/// it cannot begin.
[[nodiscard]] Result<void> serve_kme(const KmeConfig& config);

}  // namespace dske::kme
