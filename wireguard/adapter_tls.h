// How adapters know each other: mutual TLS 1.3 with SAE certificates, and the secrets of their connections.
#pragma once

#include <memory>

#include "base/names.h"
#include "http/client.h"
#include "http/identity.h"
#include "wireguard/config.h"
#include "wireguard/exchange.h"

namespace dske::wireguard {

/// The SAE that a verified certificate names: its subject's CN or, without one, its only URI "sae:ID" with
/// the ID percent-encoded. ErrorKind::forbidden if it names none.
[[nodiscard]] Result<SaeId> sae_of_certificate(const http::PeerIdentity& identity);

/// The label under which the adapters' connections export the source `tls`.
inline constexpr const char* kExporterLabel = "EXPORTER-DSKE-WireGuard-1";

/// Of what a connection exports (http::Answer::tls_exported); null if that is nothing.
[[nodiscard]] std::shared_ptr<const TlsSecret> tls_secret_of(const SecretBytes& exported);

/// As a client with these files; `least_version` as in http::TlsClientConfig.
[[nodiscard]] http::TlsClientConfig client_tls(const TlsFiles& files, const std::string& least_version);

/// Whether all files of certificates, keys, authorities and lists can be used, and this end's certificate is
/// that of the configured SAE. The error names the file.
[[nodiscard]] Result<void> check_tls_files(const Config& config);

/// For calls to the adapter of this SAE.
[[nodiscard]] std::shared_ptr<const http::TlsClientConfig> tls_towards(const SaeId& sae,
                                                                       const TlsFiles& files);

}  // namespace dske::wireguard
