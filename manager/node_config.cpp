#include "manager/node_config.h"

#include <fmt/core.h>

#include "base/file.h"
#include "base/json.h"
#include "manager/pki.h"

namespace dske::manager {
namespace {

constexpr std::size_t kConfigBytesMost = std::size_t{1} << 20;
constexpr const char* kHeading =
    "# Written by dske-manager from {}; what is changed here is overwritten by the next start.\n";

// A double-quoted scalar: YAML takes JSON's strings as they are.
std::string in_quotes(const std::string& text) {
  json::Writer writer;
  writer.string(text);
  return writer.take_text();
}

std::string address_lines(const Node& node, const NodePaths& paths) {
  return fmt::format("name: {}\nstate_dir: {}\naddress: {}\nport: {}\nmanagement_port: {}\n",
                     in_quotes(node.name), in_quotes(paths.state.string()), in_quotes(node.address),
                     node.port, node.management_port);
}

// Files are kept ready for a courier; without one they would lie there, since `start` and `provision` ask for
// theirs.
std::string hub_lines(const Network& network, const Node& hub) {
  const PsrdSizes& sizes = network.topology().psrd;
  std::string text = "endpoint: " + in_quotes(hub.url) + "\n";
  if (const auto& courier = network.topology().courier) {
    text += fmt::format(
        "provisioner:\n  pool_size: 2\n  client_bytes: {}\n  hub_bytes: {}\n  interval_seconds: {}\n",
        sizes.client_bytes, sizes.hub_bytes, courier->interval.count());
  } else {
    text += "provisioner:\n  enabled: false\n";
  }
  return text;
}

std::string key_store_lines(const KeyStoreSpec& spec) {
  std::string text;
  if (spec.enabled) text += fmt::format("  enabled: {}\n", *spec.enabled);
  const auto add = [&](const char* name, const std::optional<std::int64_t>& value) {
    if (value) text += fmt::format("  {}: {}\n", name, *value);
  };
  add("minimum_keys", spec.minimum_keys);
  add("maximum_keys", spec.maximum_keys);
  add("maximum_keys_in_all", spec.maximum_keys_in_all);
  add("demand_seconds", spec.demand_seconds);
  add("idle_seconds", spec.idle_seconds);
  return text.empty() ? text : "key_store:\n" + text;
}

std::string client_lines(const Network& network, const Node& client, const NodePaths& paths) {
  const Topology& topology = network.topology();
  std::string text = fmt::format("tls:\n  certificate: {}\n  key: {}\n  client_ca: {}\n  client_crl: {}\n",
                                 in_quotes(paths.certificate.string()), in_quotes(paths.key.string()),
                                 in_quotes(paths.client_ca.string()), in_quotes(paths.client_crl.string()));
  text += "encryptors:\n";
  for (const SaeId& sae : network.client_spec(client).encryptors)
    text += "  - " + in_quotes(sae.text()) + "\n";
  if (topology.shares_required) text += fmt::format("shares_required: {}\n", *topology.shares_required);
  text += fmt::format("key_size: {}\nkey_lifetime_seconds: {}\n", topology.key_size_bits,
                      topology.key_lifetime_seconds);
  text += key_store_lines(topology.key_store);
  text += "hubs:\n";
  for (const Node& hub : network.nodes()) {
    if (hub.kind != NodeKind::hub) continue;
    text += fmt::format("  - name: {}\n    endpoint: {}\n", in_quotes(hub.name), in_quotes(hub.url));
  }
  return text;
}

}  // namespace

NodePaths local_paths(const Network& network, const Node& node) {
  const Pki pki(network.pki_directory());
  NodePaths paths;
  paths.state = node.directory;
  paths.certificate = pki.certificate_file(CertificateKind::kme, node.name);
  paths.key = pki.key_file(CertificateKind::kme, node.name);
  paths.client_ca = pki.ca_file();
  paths.client_crl = pki.crl_file();
  return paths;
}

NodePaths portable_paths() {
  return {".", "tls/kme.crt", "tls/kme.key", "tls/ca.crt", "tls/ca.crl"};
}

std::string config_text(const Network& network, const Node& node, const NodePaths& paths) {
  return fmt::format(kHeading, network.topology().file.filename().string()) + address_lines(node, paths) +
         (node.kind == NodeKind::hub ? hub_lines(network, node) : client_lines(network, node, paths));
}

Result<ConfigChange> write_config(const std::filesystem::path& file, const std::string& text) {
  if (auto made = make_private_directories(file.parent_path()); !made) return made.error();
  const auto present = read_file(file, kConfigBytesMost);
  if (present && present->text() == text) return ConfigChange::none;
  if (auto written = write_file_atomically(file, as_bytes(text), 0600); !written) return written.error();
  return present ? ConfigChange::changed : ConfigChange::made;
}

}  // namespace dske::manager
