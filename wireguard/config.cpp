#include "wireguard/config.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <arpa/inet.h>

#include "base/yaml.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kInterfaceNameMost = 15;  // IFNAMSIZ without its zero
constexpr std::size_t kPeersMost = 1000;        // of an interface: what one answer of the helper holds
constexpr std::size_t kSchemeSize = 8;          // of https://

std::string resolve(const std::string& path, const std::filesystem::path& file) {
  if (path.empty() || std::filesystem::path(path).is_absolute()) return path;
  return (std::filesystem::absolute(file).parent_path() / path).lexically_normal().string();
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file) {}

  Result<Config> read(const yaml::Node& root) {
    yaml::MappingReader reader(root);
    Config config;
    config.file = file_;
    config.state_dir = path(reader, "state_dir");
    config.user = reader.text("user", "");
    config.log_level = reader.text("log_level", "info");
    const std::string& level = config.log_level;
    if (level != "debug" && level != "info" && level != "warning" && level != "error")
      reader.fail("log_level", "must be debug, info, warning or error");
    config.sae = reader.parsed<SaeId>("sae_id");
    if (const auto node = required(reader, "tls")) config.tls = tls(reader, *node, {});
    if (const auto node = required(reader, "kme")) read_kme(reader, *node, config);
    read_listen(reader, config);
    config.timings = timings(reader);
    PeerConfig defaults;
    defaults.trust = split_trust(reader, {});
    defaults.keep_initial_key = reader.boolean("keep_initial_key", false);
    for (const yaml::Node& node : reader.sequence("interfaces"))
      config.interfaces.push_back(interface(reader, node, config, defaults));
    if (auto fault = reader.finish()) return *fault;
    return config;
  }

 private:
  [[nodiscard]] std::string path(yaml::MappingReader& reader, std::string_view name,
                                 std::optional<std::string> otherwise = std::nullopt) const {
    std::string text = reader.text(name, std::move(otherwise));
    return resolve(text, file_);
  }

  static std::optional<yaml::Node> required(yaml::MappingReader& reader, std::string_view name) {
    auto node = reader.mapping(name);
    if (!node) reader.fail(name, "is missing");
    return node;
  }

  static void close(yaml::MappingReader& outer, yaml::MappingReader& inner) {
    if (auto fault = inner.finish()) outer.fail(*fault);
  }

  TlsFiles tls(yaml::MappingReader& outer, const yaml::Node& node, const TlsFiles& defaults) const {
    yaml::MappingReader reader(node);
    TlsFiles files = tls(reader, defaults);
    close(outer, reader);
    return files;
  }
  TlsFiles tls(yaml::MappingReader& reader, const TlsFiles& defaults) const {
    const auto one = [&](std::string_view name, const std::string& otherwise) {
      return path(reader, name, otherwise.empty() ? std::nullopt : std::optional<std::string>(otherwise));
    };
    TlsFiles files{
        one("certificate", defaults.certificate), one("key", defaults.key), one("ca", defaults.ca), {}};
    // Another CA's certificates are in another list.
    files.crl = path(reader, "crl", files.ca == defaults.ca ? defaults.crl : "");
    return files;
  }

  static bool is_https(const std::string& url) {
    return url.starts_with("https://") && url.find_first_of(" \t\n@?#") == std::string::npos &&
           url.size() > kSchemeSize && url.back() != '/' && has_possible_port(url);
  }

  // Or none.
  static bool has_possible_port(const std::string& url) {
    std::string_view authority = std::string_view(url).substr(kSchemeSize);
    authority = authority.substr(0, authority.find('/'));
    const std::size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos) return true;
    if (authority.find(']', colon) != std::string_view::npos) return true;  // inside [IPv6]
    const std::string_view digits = authority.substr(colon + 1);
    std::uint32_t port = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return fault == std::errc() && end == digits.data() + digits.size() && port >= 1 && port <= 65535;
  }

  void read_kme(yaml::MappingReader& outer, const yaml::Node& node, Config& config) const {
    yaml::MappingReader reader(node);
    config.kme_url = reader.text("url");
    if (!reader.failed() && !is_https(config.kme_url))
      reader.fail("url", "must be of the form https://HOST:PORT");
    config.hubs = reader.texts("hubs");
    config.kme_tls = tls(reader, config.tls);
    close(outer, reader);
  }

  static void read_listen(yaml::MappingReader& outer, Config& config) {
    const auto node = outer.mapping("listen");
    if (!node) return;
    yaml::MappingReader reader(*node);
    config.address = reader.text("address", "0.0.0.0");
    in6_addr binary{};
    if (!reader.failed() && ::inet_pton(AF_INET, config.address.c_str(), &binary) != 1 &&
        ::inet_pton(AF_INET6, config.address.c_str(), &binary) != 1) {
      reader.fail("address", "must be a numeric IP address");
    }
    config.port = static_cast<std::uint16_t>(reader.integer("port", 1, 65535));
    close(outer, reader);
  }

  static Timings timings(yaml::MappingReader& outer) {
    Timings timings;
    const auto node = outer.mapping("intervals");
    if (!node) return timings;
    yaml::MappingReader reader(*node);
    const auto seconds = [&](std::string_view name, std::int64_t least, std::int64_t most, Duration& time) {
      const auto now = std::chrono::duration_cast<std::chrono::seconds>(time).count();
      time = std::chrono::seconds(reader.integer(name, least, most, now));
    };
    seconds("rotate_seconds", 20, 86400, timings.rotate);
    seconds("retry_seconds", 1, 3600, timings.retry);
    seconds("compare_seconds", 1, 300, timings.compare);
    seconds("observe_seconds", 1, 60, timings.observe);
    seconds("key_age_most_seconds", 0, 31536000, timings.key_age_most);
    if (timings.key_age_most != Duration::zero() && timings.key_age_most < least_key_age(timings.rotate)) {
      reader.fail(
          reader.has("key_age_most_seconds") ? "key_age_most_seconds" : "rotate_seconds",
          "the gate would shut between two keys: key_age_most_seconds (3600 unless it is set) must be "
          "0, or at least twice rotate_seconds and 60 seconds more than it");
    }
    close(outer, reader);
    return timings;
  }

  SplitTrust split_trust(yaml::MappingReader& outer, const SplitTrust& defaults) const {
    const auto node = outer.mapping("split_trust");
    if (!node) return defaults;
    yaml::MappingReader reader(*node);
    SplitTrust trust = defaults;
    if (reader.has("require")) {
      const auto require = parse_require(reader.text("require"));
      if (require) {
        trust.require = *require;
      } else {
        reader.fail("require", require.error().message);
      }
    }
    trust.tls = reader.boolean("tls", defaults.tls);
    trust.secret_file = path(reader, "secret_file", defaults.secret_file);
    trust.ratchet = reader.boolean("ratchet", defaults.ratchet);
    close(outer, reader);
    return trust;
  }

  PeerConfig peer(yaml::MappingReader& outer, const yaml::Node& node, const Config& whole,
                  const PeerConfig& defaults) const {
    yaml::MappingReader reader(node);
    PeerConfig config;
    config.public_key = reader.parsed<PublicKey>("public_key");
    config.sae = reader.parsed<SaeId>("sae_id");
    if (!reader.failed() && config.sae == whole.sae) reader.fail("sae_id", "is this end's own");
    config.url = reader.text("url", "");
    if (!config.url.empty() && !is_https(config.url))
      reader.fail("url", "must be of the form https://HOST:PORT");
    if (config.url.empty() && whole.port == 0)
      reader.fail("sae_id", "this peer has no url, so it connects to this end: then `listen` is needed");
    config.keep_initial_key = reader.boolean("keep_initial_key", defaults.keep_initial_key);
    config.trust = split_trust(reader, defaults.trust);
    close(outer, reader);
    return config;
  }

  static DeviceKind device_kind(yaml::MappingReader& reader) {
    const std::string kind = reader.text("kind", "automatic");
    if (kind == "userspace") return DeviceKind::userspace;
    if (kind == "kernel") return DeviceKind::kernel;
    if (kind != "automatic") reader.fail("kind", "must be automatic, userspace or kernel");
    return DeviceKind::automatic;
  }

  InterfaceConfig interface(yaml::MappingReader& outer, const yaml::Node& node, const Config& whole,
                            const PeerConfig& defaults) const {
    yaml::MappingReader reader(node);
    InterfaceConfig config;
    config.name = reader.text("name");
    const bool is_name = !config.name.empty() && config.name.size() <= kInterfaceNameMost &&
                         config.name.find_first_of("/ \t\n") == std::string::npos && config.name[0] != '.';
    if (!reader.failed() && !is_name) reader.fail("name", "must be the name of a network interface");
    const auto same = std::find_if(whole.interfaces.begin(), whole.interfaces.end(),
                                   [&](const InterfaceConfig& before) { return before.name == config.name; });
    if (same != whole.interfaces.end()) reader.fail("name", "stands in the file already: " + config.name);
    config.kind = device_kind(reader);
    config.uapi_socket = path(reader, "uapi_socket", "/var/run/wireguard/" + config.name + ".sock");
    const std::vector<yaml::Node> peers = reader.sequence("peers");
    if (peers.size() > kPeersMost) reader.fail("peers", "are more than " + std::to_string(kPeersMost));
    std::set<PublicKey> keys;
    for (const yaml::Node& one : peers) {
      config.peers.push_back(peer(reader, one, whole, defaults));
      if (!keys.insert(config.peers.back().public_key).second && !reader.failed())
        reader.fail(one.error("the interface has a peer with this public_key already"));
    }
    close(outer, reader);
    return config;
  }

  const std::filesystem::path& file_;
};

Result<Config> from(const Result<yaml::Node>& root, const std::filesystem::path& file) {
  if (!root) return root.error();
  return Reader(file).read(*root);
}

}  // namespace

std::vector<std::string> changed_for_next_start(const Config& before, const Config& after) {
  std::vector<std::string> changed;
  const auto note = [&changed](std::string_view name, bool same) {
    if (!same) changed.emplace_back(name);
  };
  note("state_dir", before.state_dir == after.state_dir);
  note("user", before.user == after.user);
  note("log_level", before.log_level == after.log_level);
  note("sae_id", before.sae == after.sae);
  note("tls", before.tls == after.tls);
  note("kme",
       before.kme_url == after.kme_url && before.hubs == after.hubs && before.kme_tls == after.kme_tls);
  note("listen", before.address == after.address && before.port == after.port);
  note("intervals", before.timings == after.timings);
  return changed;
}

Result<Config> read_config(const std::filesystem::path& file) {
  return from(yaml::parse_file(file), file);
}

Result<Config> parse_config(std::string_view text, const std::filesystem::path& file) {
  return from(yaml::parse(text, file.string()), file);
}

}  // namespace dske::wireguard
