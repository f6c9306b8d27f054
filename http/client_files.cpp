#include "http/client_files.h"

namespace dske::http {
namespace {

constexpr std::chrono::seconds kBetweenLooks{1};

}  // namespace

std::optional<std::chrono::seconds> ClientFiles::oldest_connection(const TlsClientConfig& tls, Time now) {
  Names names{tls.certificate_file, tls.key_file, tls.ca_file};
  names.insert(names.end(), tls.crl_files.begin(), tls.crl_files.end());
  const auto [found, is_new] = watched_.try_emplace(std::move(names));
  Watched& watched = found->second;
  if (is_new) {
    watched.used = watched.seen = stamps_of(found->first);
    watched.looked = now;
  } else if (now - watched.looked >= kBetweenLooks) {
    watched.looked = now;
    std::vector<FileStamp> stamps = stamps_of(found->first);
    const bool still = stamps == watched.seen;
    if (still && stamps != watched.used) {
      watched.changed = now;
      watched.used = stamps;
    }
    watched.seen = std::move(stamps);
  }
  if (!watched.changed) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(now - *watched.changed);
}

}  // namespace dske::http
