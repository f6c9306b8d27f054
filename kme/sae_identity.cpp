#include "kme/sae_identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/percent_encoding.h"

namespace dske::kme {
namespace {

using From = SaeIdentity::From;

constexpr std::array<std::pair<std::string_view, From>, 5> kSources{{{"common_name", From::common_name},
                                                                     {"san_uri", From::san_uri},
                                                                     {"san_dns", From::san_dns},
                                                                     {"san_email", From::san_email},
                                                                     {"fingerprint", From::fingerprint}}};
constexpr std::size_t kFingerprintDigits = 64;

Error refused(const std::string& cause) {
  return {ErrorKind::forbidden, cause};
}

// Lower case without colons; nothing if it is no SHA-256 fingerprint.
std::optional<std::string> normal_fingerprint(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':' && i % 3 == 2) continue;
    if (c >= 'A' && c <= 'F') {
      digits += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
      digits += c;
    } else {
      return std::nullopt;
    }
  }
  const bool whole = text.size() == kFingerprintDigits || text.size() == kFingerprintDigits / 2 * 3 - 1;
  if (digits.size() != kFingerprintDigits || !whole) return std::nullopt;
  return digits;
}

void add_fingerprints(yaml::MappingReader& fingerprints, const SaeId& sae, SaeIdentity& settings) {
  const auto texts = fingerprints.texts(sae.text());
  if (texts.empty())
    fingerprints.fail(sae.text(), "must list the SHA-256 fingerprints of this SAE's certificates");
  for (const std::string& text : texts) {
    auto digits = normal_fingerprint(text);
    if (!digits) {
      fingerprints.fail(sae.text(),
                        "must be SHA-256 fingerprints, 64 hexadecimal digits with or without colons");
    } else if (!settings.fingerprints.emplace(std::move(*digits), sae).second) {
      fingerprints.fail(sae.text(), "has a fingerprint that is there twice");
    }
  }
}

void read_fingerprints(yaml::MappingReader& members, const std::set<SaeId>& encryptors,
                       SaeIdentity& settings) {
  const auto node = members.mapping("fingerprints");
  if (settings.from != From::fingerprint) {
    if (node) members.fail("fingerprints", "is for \"from: fingerprint\" alone");
    return;
  }
  if (!node) return members.fail("fingerprints", "is missing: a mapping of each SAE ID to its fingerprints");
  yaml::MappingReader fingerprints(*node);
  for (const SaeId& sae : encryptors) add_fingerprints(fingerprints, sae, settings);
  if (const auto fault = fingerprints.finish()) members.fail(*fault);
}

// The one of `names` that is an SAE of this KME.
Result<SaeId> only_served(const std::vector<std::string>& names, const std::set<SaeId>& encryptors,
                          const std::string& kind) {
  if (names.empty()) return refused("it has no " + kind);
  std::set<SaeId> served;
  for (const std::string& name : names) {
    if (auto sae = SaeId::parse(name); sae && encryptors.contains(*sae)) served.insert(std::move(*sae));
  }
  if (served.empty()) return refused("none of its names of the kind " + kind + " is an SAE of this KME");
  if (served.size() > 1) return refused("several of its names of the kind " + kind + " are SAEs of this KME");
  return *served.begin();
}

// What follows `prefix` in the URIs that begin so, decoded.
std::vector<std::string> uri_names(const std::vector<std::string>& uris, std::string_view prefix) {
  std::vector<std::string> names;
  for (const std::string& uri : uris) {
    if (!uri.starts_with(prefix)) continue;
    if (auto name = percent_decode(std::string_view(uri).substr(prefix.size())))
      names.push_back(std::move(*name));
  }
  return names;
}

Result<SaeId> from_common_name(const http::PeerIdentity& identity, const std::set<SaeId>& encryptors) {
  constexpr std::string_view kScheme = "sae:";
  if (!identity.common_name.empty()) {
    auto sae = SaeId::parse(identity.common_name);
    if (!sae || !encryptors.contains(*sae)) return refused("its common name is no SAE of this KME");
    return sae;
  }
  if (identity.uris.size() != 1) return refused("it has neither one common name nor one URI");
  return only_served(uri_names(identity.uris, kScheme), encryptors, "URI \"sae:...\"");
}

}  // namespace

SaeIdentity read_sae_identity(yaml::MappingReader& reader, const std::set<SaeId>& encryptors) {
  SaeIdentity settings;
  const auto node = reader.mapping("sae_id");
  if (!node) return settings;
  yaml::MappingReader members(*node);
  const std::string from = members.text("from", "common_name");
  const auto source = std::find_if(kSources.begin(), kSources.end(),
                                   [&](const auto& candidate) { return candidate.first == from; });
  if (source == kSources.end()) {
    members.fail("from", "must be common_name, san_uri, san_dns, san_email or fingerprint");
  } else {
    settings.from = source->second;
  }
  settings.uri_prefix = members.text("uri_prefix", "");
  if (!settings.uri_prefix.empty() && settings.from != From::san_uri)
    members.fail("uri_prefix", "is for \"from: san_uri\" alone");
  read_fingerprints(members, encryptors, settings);
  if (const auto fault = members.finish()) reader.fail(*fault);
  return settings;
}

Result<SaeId> sae_of(const http::PeerIdentity& identity, const SaeIdentity& settings,
                     const std::set<SaeId>& encryptors) {
  switch (settings.from) {
    case From::common_name:
      return from_common_name(identity, encryptors);
    case From::san_uri:
      return only_served(uri_names(identity.uris, settings.uri_prefix), encryptors,
                         settings.uri_prefix.empty() ? "URI" : "URI \"" + settings.uri_prefix + "...\"");
    case From::san_dns:
      return only_served(identity.dns_names, encryptors, "DNS name");
    case From::san_email:
      return only_served(identity.emails, encryptors, "e-mail address");
    case From::fingerprint:
      break;
  }
  const auto found = settings.fingerprints.find(identity.sha256_fingerprint);
  if (found == settings.fingerprints.end()) return refused("its fingerprint is not configured");
  return found->second;
}

}  // namespace dske::kme
