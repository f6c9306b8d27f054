#include "manager/network.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "manager/address.h"
#include "manager/ports.h"

namespace dske::manager {
namespace {

constexpr std::size_t kFingerprintBytesMost = std::size_t{4} << 20;

// The names of a topology as "hub/NAME" and "client/NAME".
std::set<std::string> node_names(const Topology& topology) {
  std::set<std::string> names;
  for (const HubSpec& hub : topology.hubs) names.insert("hub/" + hub.name.text());
  for (const ClientSpec& client : topology.clients) names.insert("client/" + client.name.text());
  return names;
}

std::filesystem::path fingerprint_file(const Topology& topology) {
  return topology.state_dir / "topology.json";
}
std::filesystem::path ports_file(const Topology& topology) {
  return topology.state_dir / "ports.json";
}

Result<std::set<std::string>> recorded_names(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::set<std::string>();
  auto text = read_file(file, kFingerprintBytesMost);
  if (!text) return text.error();
  auto document = json::Document::parse(text->text());
  if (!document) return document.error().within(file.string());
  std::set<std::string> names;
  json::ObjectReader reader(document->root(), file.string());
  for (const json::Value& name : reader.array("nodes", kFingerprintBytesMost)) {
    names.insert(std::string(name.string().value_or("")));
  }
  if (auto error = reader.finish(json::UnknownMembers::refuse)) return *error;
  return names;
}

Result<void> check_fingerprint(const Topology& topology) {
  auto recorded = recorded_names(fingerprint_file(topology));
  if (!recorded) return recorded.error();
  const std::set<std::string> now = node_names(topology);
  const bool only_added = std::includes(now.begin(), now.end(), recorded->begin(), recorded->end());
  const bool only_removed = std::includes(recorded->begin(), recorded->end(), now.begin(), now.end());
  if (only_added || only_removed) return {};
  return Error{ErrorKind::conflict,
               topology.state_dir.string() + " belongs to another topology (see topology.json there); give " +
                   topology.file.string() + " its own with `state_dir: NAME`, or remove that directory"};
}

Result<void> write_fingerprint(const Topology& topology) {
  json::Writer writer;
  writer.begin_object().name("nodes").begin_array();
  for (const std::string& name : node_names(topology)) writer.string(name);
  writer.end_array().end_object();
  return write_file_atomically(fingerprint_file(topology), as_bytes(writer.take_text() + "\n"), 0600);
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Node Network::make_node(NodeKind kind, const std::string& name, const std::string& address,
                        std::uint16_t port) const {
  const std::string stem = std::string(kind_file_text(kind));
  const std::filesystem::path& run = topology_.state_dir;
  Node node;
  node.kind = kind;
  node.name = name;
  node.address = address;
  node.port = port;
  node.management_port = static_cast<std::uint16_t>(port + kManagementPortOffset);
  node.is_local = is_local_address(address);
  node.url = url_of(kind == NodeKind::hub ? "http" : "https", address, port);
  node.management_url = url_of("http", "127.0.0.1", node.management_port);
  node.directory = run / stem / name;
  node.config_file = node.directory / (stem + ".yaml");
  node.log_file = run / "log" / (stem + "-" + name + ".log");
  node.pid_file = run / "pid" / (stem + "-" + name);
  return node;
}

Result<Network> Network::open(Topology topology) {
  if (auto same = check_fingerprint(topology); !same) return same.error();
  auto recorded = read_port_record(ports_file(topology));
  if (!recorded) return recorded.error();
  auto ports = assign_ports(topology, *recorded);
  if (!ports) return ports.error();

  Network network(std::move(topology));
  for (const HubSpec& hub : network.topology_.hubs) {
    Node node =
        network.make_node(NodeKind::hub, hub.name.text(), hub.address, ports->hubs.at(hub.name.text()));
    if (!hub.endpoint.empty()) node.url = hub.endpoint;
    network.nodes_.push_back(std::move(node));
  }
  for (const ClientSpec& client : network.topology_.clients) {
    network.nodes_.push_back(network.make_node(NodeKind::client, client.name.text(), client.address,
                                               ports->clients.at(client.name.text())));
  }
  return network;
}

Result<DirectoryLock> Network::claim() const {
  const std::filesystem::path& run = topology_.state_dir;
  for (const char* part : {"hub", "kme", "log", "pid", "pki"}) {
    if (auto made = make_private_directories(run / part); !made) return made.error();
  }
  auto lock = DirectoryLock::take(run);
  if (!lock) {
    if (lock.error().kind != ErrorKind::conflict) return lock.error();
    return Error{ErrorKind::conflict,
                 "another dske-manager is at work on " + run.string() + "; wait until it is done"};
  }
  auto recorded = read_port_record(ports_file(topology_));
  if (!recorded) return recorded.error();
  auto ports = assign_ports(topology_, *recorded);
  if (!ports) return ports.error();
  if (auto written = write_port_record(ports_file(topology_), *ports); !written) return written.error();
  if (auto written = write_fingerprint(topology_); !written) return written.error();
  return lock;
}

const Node* Network::find(NodeKind kind, std::string_view name) const {
  for (const Node& node : nodes_) {
    if (node.kind == kind && node.name == name) return &node;
  }
  return nullptr;
}

Result<const Node*> Network::named(const std::string& text) const {
  const Node* found = nullptr;
  if (text.rfind("hub/", 0) == 0) {
    found = find(NodeKind::hub, text.substr(4));
  } else if (text.rfind("client/", 0) == 0) {
    found = find(NodeKind::client, text.substr(7));
  } else {
    found = find(NodeKind::client, text);
    const Node* const hub = find(NodeKind::hub, text);
    if (found != nullptr && hub != nullptr) return invalid("say hub/" + text + " or client/" + text);
    if (found == nullptr) found = hub;
  }
  if (found == nullptr) {
    return Error{ErrorKind::not_found,
                 "no node " + text + " in " + topology_.file.string() + "; it has " + names()};
  }
  return found;
}

const ClientSpec& Network::client_spec(const Node& client) const {
  return *std::find_if(topology_.clients.begin(), topology_.clients.end(),
                       [&](const ClientSpec& spec) { return spec.name.text() == client.name; });
}

std::string Network::names() const {
  std::string text;
  for (const Node& node : nodes_) {
    if (!text.empty()) text += ", ";
    text += std::string(kind_text(node.kind)) + "/" + node.name;
  }
  return text;
}

bool Selection::has(const Node& node) const {
  return is_everything() || contains(node.kind == NodeKind::hub ? hubs : clients, node.name);
}

Result<void> check_selection(const Network& network, const Selection& selection) {
  for (const std::string& name : selection.hubs) {
    if (auto found = network.named("hub/" + name); !found) return found.error();
  }
  for (const std::string& name : selection.clients) {
    if (auto found = network.named("client/" + name); !found) return found.error();
  }
  return {};
}

}  // namespace dske::manager
