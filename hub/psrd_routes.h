// The management interface's calls about PSRD (docs/management.md).
#pragma once

#include "hub/management.h"

namespace dske::hub {

[[nodiscard]] std::vector<http::Route> psrd_routes(const ManagedHub& hub,
                                                   const std::shared_ptr<const SecretBytes>& token);

/// As POST psrd answers it.
[[nodiscard]] SecretBytes assigned_json(const std::string& block, const std::filesystem::path& file);
/// As POST psrd/revoke answers it.
[[nodiscard]] SecretBytes revoked_json(const std::vector<store::RevokedBlock>& blocks);

}  // namespace dske::hub
