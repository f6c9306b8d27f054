#include "kme/kme_config.h"

#include <algorithm>

#include "base/yaml.h"
#include "psrdfile/psrd_header.h"

namespace dske::kme {
namespace {

constexpr std::int64_t kHubsMost = 255;
constexpr std::int64_t kSharesRequiredLeast = 2;
constexpr std::int64_t kLifetimeLeastSeconds = 60;
constexpr std::size_t kBasePathMost = 256;
constexpr std::int64_t kLifetimeMostSeconds = std::int64_t{366} * 86400;

http::TlsServerConfig read_tls(yaml::MappingReader& reader, const std::filesystem::path& file) {
  const auto node = reader.mapping("tls");
  if (!node) {
    reader.fail("tls", "is missing");
    return {};
  }
  yaml::MappingReader members(*node);
  http::TlsServerConfig tls;
  tls.certificate_file = node::resolve_path(members.text("certificate"), file).string();
  tls.key_file = node::resolve_path(members.text("key"), file).string();
  for (const std::string& path : members.one_or_more("client_ca"))
    tls.client_ca_files.push_back(node::resolve_path(path, file).string());
  for (const std::string& path : members.one_or_more("client_crl"))
    tls.client_crl_files.push_back(node::resolve_path(path, file).string());
  if (tls.client_ca_files.empty()) members.fail("client_ca", "must name at least one file");
  if (const auto fault = members.finish()) reader.fail(*fault);
  return tls;
}

std::set<SaeId> read_encryptors(yaml::MappingReader& reader) {
  std::set<SaeId> saes;
  for (const yaml::Node& element : reader.sequence("encryptors")) {
    auto sae =
        element.is_scalar() ? SaeId::parse(element.text()) : Result<SaeId>(invalid("must be an SAE ID"));
    if (!sae) {
      reader.fail(element.error("encryptors: " + sae.error().message));
    } else if (!saes.insert(*sae).second) {
      reader.fail(element.error("encryptors: " + sae->text() + " is there twice"));
    }
  }
  if (saes.empty()) reader.fail("encryptors", "must list at least one SAE ID");
  return saes;
}

std::vector<ConfiguredHub> read_hubs(yaml::MappingReader& reader) {
  std::vector<ConfiguredHub> hubs;
  for (const yaml::Node& element : reader.sequence("hubs")) {
    yaml::MappingReader members(element);
    ConfiguredHub hub;
    hub.name = members.parsed<HubName>("name");
    hub.endpoint = members.text("endpoint", "");
    if (!hub.endpoint.empty() && !members.failed()) {
      if (auto checked = check_endpoint(hub.endpoint); !checked)
        members.fail("endpoint", checked.error().message);
    }
    if (const auto fault = members.finish()) reader.fail(*fault);
    const auto same = [&](const ConfiguredHub& other) { return other.name == hub.name; };
    if (std::any_of(hubs.begin(), hubs.end(), same)) {
      reader.fail(element.error("hubs: " + hub.name.text() + " is there twice"));
    }
    hubs.push_back(std::move(hub));
  }
  if (static_cast<std::int64_t>(hubs.size()) < kSharesRequiredLeast ||
      static_cast<std::int64_t>(hubs.size()) > kHubsMost) {
    reader.fail("hubs", "must list 2 to 255 hubs");
  }
  return hubs;
}

etsi014::Limits read_limits(yaml::MappingReader& reader, RequestLimitsConfig& requests) {
  etsi014::Limits limits;
  limits.key_size_bits =
      static_cast<std::uint32_t>(reader.integer("key_size", 8, 8388608, limits.key_size_bits));
  if (const auto node = reader.mapping("limits")) {
    yaml::MappingReader members(*node);
    limits.max_key_per_request =
        static_cast<std::uint32_t>(members.integer("keys_per_request", 1, 65536, limits.max_key_per_request));
    limits.max_key_size_bits =
        static_cast<std::uint32_t>(members.integer("key_size", 8, 8388608, limits.max_key_size_bits));
    limits.max_sae_id_count =
        static_cast<std::uint32_t>(members.integer("additional_saes", 0, 255, limits.max_sae_id_count));
    requests.per_second_per_sae = static_cast<std::uint32_t>(
        members.integer("requests_per_second_per_sae", 1, 1000000, requests.per_second_per_sae));
    requests.at_once_per_sae = static_cast<std::uint32_t>(
        members.integer("requests_at_once_per_sae", 1, 1000000, requests.at_once_per_sae));
    requests.at_once =
        static_cast<std::uint32_t>(members.integer("requests_at_once", 1, 1000000, requests.at_once));
    if (const auto fault = members.finish()) reader.fail(*fault);
  }
  if (!reader.failed()) {
    if (auto checked = etsi014::checked_limits(limits); !checked)
      reader.fail("key_size", checked.error().message);
  }
  return limits;
}

IdentityFiles read_psrd_recipient(yaml::MappingReader& reader, const std::filesystem::path& file) {
  IdentityFiles identity;
  const auto node = reader.mapping("psrd_recipient");
  if (!node) return identity;
  yaml::MappingReader members(*node);
  if (members.has("passphrase_file") == members.has("key")) {
    members.fail(node->error("psrd_recipient: must have one of passphrase_file and key"));
  } else {
    const char* const name = members.has("key") ? "key" : "passphrase_file";
    const std::string path = members.text(name);
    if (!members.failed() && path.empty()) members.fail(name, "must name a file");
    (members.has("key") ? identity.private_key : identity.passphrase) = node::resolve_path(path, file);
  }
  if (const auto fault = members.finish()) reader.fail(*fault);
  return identity;
}

std::size_t read_shares_required(yaml::MappingReader& reader, const KmeConfig& config) {
  if (!config.hubs_listed) {
    // How many hubs there will be is not known, so no majority of them is.
    if (!reader.has("shares_required"))
      reader.fail("shares_required", "is required where no hubs are listed");
    return static_cast<std::size_t>(
        reader.integer("shares_required", kSharesRequiredLeast, kHubsMost, kSharesRequiredLeast));
  }
  const auto hub_count = static_cast<std::int64_t>(config.hubs.size());
  const std::int64_t majority = std::max(kSharesRequiredLeast, hub_count / 2 + 1);
  return static_cast<std::size_t>(
      reader.integer("shares_required", kSharesRequiredLeast, hub_count, majority));
}

KeySource read_key_source(yaml::MappingReader& reader) {
  const std::string source = reader.text("key_source", "generator");
  if (source != "generator" && source != "psrd") reader.fail("key_source", "must be generator or psrd");
  return source == "psrd" ? KeySource::psrd : KeySource::generator;
}

bool is_path_segment(std::string_view segment) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  return !segment.empty() && segment != "." && segment != ".." &&
         segment.find_first_not_of(kUnreserved) == std::string_view::npos;
}

// A path prefix, or empty.
std::string read_base_path(yaml::MappingReader& reader) {
  std::string path = reader.text("base_path", "");
  std::string_view left = path;
  bool good = path.size() <= kBasePathMost && !path.starts_with("/api");
  while (good && !left.empty()) {
    good = left.front() == '/';
    left.remove_prefix(1);
    const std::string_view segment = left.substr(0, left.find('/'));
    good = good && is_path_segment(segment);
    left.remove_prefix(segment.size());
  }
  if (!good) {
    reader.fail(
        "base_path",
        "must be a path like /client/carol/etsi: of A-Z a-z 0-9 - . _ ~ between slashes, without one at "
        "its end, and not begin with /api");
  }
  return path;
}

}  // namespace

Result<KmeConfig> read_kme_config(const std::filesystem::path& file) {
  auto root = yaml::parse_file(file);
  if (!root) return root.error();
  yaml::MappingReader reader(*root);
  KmeConfig config;
  config.file = file;
  config.name = reader.parsed<ClientName>("name");
  config.node = node::read_node_config(reader, file);
  config.tls = read_tls(reader, file);
  config.encryptors = read_encryptors(reader);
  config.hubs_listed = reader.has("hubs");
  if (config.hubs_listed) config.hubs = read_hubs(reader);
  config.shares_required = read_shares_required(reader, config);
  config.join_from_psrd_in = reader.boolean("join_from_psrd_in", false);
  if (config.hubs_listed && config.join_from_psrd_in)
    reader.fail("join_from_psrd_in", "is for a KME whose hubs are not listed");
  config.least_shares_required =
      static_cast<std::size_t>(reader.integer("least_shares_required", kSharesRequiredLeast, kHubsMost,
                                              static_cast<std::int64_t>(config.shares_required)));
  config.key_lifetime = std::chrono::seconds(reader.integer(
      "key_lifetime_seconds", kLifetimeLeastSeconds, kLifetimeMostSeconds, config.key_lifetime.count()));
  config.key_source = read_key_source(reader);
  config.fetch_ahead = reader.boolean("fetch_ahead", config.fetch_ahead);
  config.limits = read_limits(reader, config.request_limits);
  config.key_store = read_key_store(reader, config.limits, config.encryptors);
  config.sae_identity = read_sae_identity(reader, config.encryptors);
  config.pairs = PairPolicy::read(reader, config.encryptors);
  config.base_path = read_base_path(reader);
  config.psrd_recipient = read_psrd_recipient(reader, file);
  if (const auto fault = reader.finish()) return *fault;
  return config;
}

}  // namespace dske::kme
