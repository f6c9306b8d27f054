// The management interface's calls about clients (docs/management.md).
#pragma once

#include "hub/management.h"

namespace dske::hub {

[[nodiscard]] std::vector<http::Route> client_routes(const ManagedHub& hub,
                                                     const std::shared_ptr<const SecretBytes>& token);

/// {"clients": [...]} as GET clients answers it.
[[nodiscard]] SecretBytes clients_json(const ClientRegistry& clients);
/// One client as PUT clients answers it.
[[nodiscard]] SecretBytes client_json(const Client& client);
/// As DELETE clients answers it.
[[nodiscard]] SecretBytes removed_json(const ClientName& name, const ClientAdministration::Removed& removed);
/// The members of a client, into an object that has begun.
void write_client(json::Writer& writer, const Client& client);

}  // namespace dske::hub
