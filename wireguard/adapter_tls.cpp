#include "wireguard/adapter_tls.h"

#include <algorithm>

#include "base/percent_encoding.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::string_view kUriPrefix = "sae:";

constexpr const char* kLeastVersion = "1.3";

}  // namespace

http::TlsClientConfig client_tls(const TlsFiles& files, const std::string& least_version) {
  http::TlsClientConfig tls{files.certificate, files.key, files.ca, least_version};
  if (!files.crl.empty()) tls.crl_files = {files.crl};
  return tls;
}

Result<SaeId> sae_of_certificate(const http::PeerIdentity& identity) {
  const Error none{ErrorKind::forbidden, "the certificate names no SAE"};
  if (!identity.common_name.empty()) return SaeId::parse(identity.common_name);
  std::optional<std::string> found;
  for (const std::string& uri : identity.uris) {
    if (!uri.starts_with(kUriPrefix)) continue;
    if (found) return none;
    auto decoded = percent_decode(std::string_view(uri).substr(kUriPrefix.size()));
    if (!decoded) return none;
    found = std::move(*decoded);
  }
  if (!found) return none;
  return SaeId::parse(*found);
}

std::shared_ptr<const TlsSecret> tls_secret_of(const SecretBytes& exported) {
  if (exported.size() <= kIdBytes) return nullptr;
  auto secret = std::make_shared<TlsSecret>();
  std::copy_n(exported.data(), kIdBytes, secret->id.begin());
  secret->secret = SecretBytes::copy_of(exported.view().subspan(kIdBytes));
  return secret;
}

Result<void> check_tls_files(const Config& config) {
  const auto own = http::check_client_files(client_tls(config.tls, kLeastVersion));
  if (!own) return own.error();
  if (auto kme = http::check_client_files(client_tls(config.kme_tls, kLeastVersion)); !kme)
    return kme.error().within("towards the KME");
  const auto sae = sae_of_certificate(*own);
  if (!sae) return sae.error().within(config.tls.certificate);
  if (*sae != config.sae) {
    return invalid(config.file.string() + ": sae_id is " + config.sae.text() + ", but " +
                   config.tls.certificate + " is the certificate of the SAE " + sae->text());
  }
  return {};
}

std::shared_ptr<const http::TlsClientConfig> tls_towards(const SaeId& sae, const TlsFiles& files) {
  http::TlsClientConfig tls = client_tls(files, kLeastVersion);
  tls.exporter_label = kExporterLabel;
  tls.peer_refusal = [sae](const http::PeerIdentity& identity) -> std::string {
    const auto named = sae_of_certificate(identity);
    if (named && *named == sae) return {};
    return "its certificate is not that of the SAE " + sae.text() + ", but " +
           (named ? "of the SAE " + named->text() : "names none");
  };
  return std::make_shared<const http::TlsClientConfig>(std::move(tls));
}

}  // namespace dske::wireguard
