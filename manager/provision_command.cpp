#include "manager/provision_command.h"

#include <fmt/core.h>

#include "manager/console.h"
#include "manager/provisioning.h"

namespace dske::manager {
namespace {

// Where the PSRD files of a client go when they are not ingested at once; nothing if they are.
std::optional<std::filesystem::path> file_directory(const Node& client, const ProvisionRequest& request) {
  if (client.is_local) return request.output;
  return request.output.value_or(client.directory) / client.psrd_in().filename();
}

Result<void> hand_over(const std::filesystem::path& file, const Node& client) {
  ManagementClient management(client);
  if (management.readiness()) return management.ingest_psrd(file);
  // It does not run: it ingests what it finds when it starts.
  return move_psrd_file(file, client.psrd_in());
}

Result<void> provision_pair(const Network& network, const Node& hub, const Node& client,
                            const ProvisionRequest& request) {
  const PsrdSizes& sizes = request.sizes;
  if (!hub.is_local) {
    return Error{ErrorKind::unavailable,
                 fmt::format("{} runs on {}; there, run dske-hub psrd assign --client {} --client-bytes {} "
                             "--hub-bytes {} -o FILE --config hub.yaml and carry FILE to the client",
                             hub.title(), hub.address, client.name, sizes.client_bytes, sizes.hub_bytes)};
  }
  ManagementClient management(hub);
  auto status = management.status();
  if (!status) return status.error();
  if (auto bound = bind_client(management, *status, network.client_spec(client)); !bound) return bound;
  auto file = management.assign_psrd(client.name, sizes);
  if (!file) return file.error();
  const auto directory = file_directory(client, request);
  if (directory) {
    if (auto moved = move_psrd_file(*file, *directory); !moved) return moved;
    say(fmt::format("PSRD for {} at {}: {}", client.title(), hub.title(),
                    (*directory / file->filename()).string()));
    return {};
  }
  if (auto handed = hand_over(*file, client); !handed) return handed;
  say(fmt::format("PSRD for {} at {}: {} bytes each way added", client.title(), hub.title(),
                  sizes.client_bytes == sizes.hub_bytes
                      ? std::to_string(sizes.client_bytes)
                      : fmt::format("{} and {}", sizes.client_bytes, sizes.hub_bytes)));
  return {};
}

bool prepare_directory(const Network& network, const Node& node, const ProvisionRequest& request) {
  if (node.is_local) return true;
  const std::filesystem::path directory = request.output.value_or(node.directory);
  if (node.kind == NodeKind::client) {
    const Pki pki(network.pki_directory());
    auto made = pki.init();
    Selection only;
    only.clients.push_back(node.name);
    auto issued =
        made ? pki.issue_missing(subjects_of(network, only)) : Result<std::vector<Subject>>(made.error());
    if (!issued) {
      complain(issued.error().message);
      return false;
    }
  }
  if (auto prepared = prepare_directory_to_copy(network, node, directory); !prepared) {
    complain(prepared.error().message);
    return false;
  }
  const std::string program = std::string("dske-") + kind_file_text(node.kind);
  const std::string config = node.config_file.filename().string();
  say(fmt::format("{} is ready to copy to {}; there, in it: {} init --config {} && {} serve --config {}",
                  directory.string(), node.address, program, config, program, config));
  return true;
}

}  // namespace

bool provision(const Network& network, const Node& node, const ProvisionRequest& request) {
  bool good = prepare_directory(network, node, request);
  // A hub on another host makes its PSRD there.
  if (node.kind == NodeKind::hub && !node.is_local) return good;
  for (const Node& hub : network.nodes()) {
    if (hub.kind != NodeKind::hub || !request.hubs.has(hub)) continue;
    if (node.kind == NodeKind::hub && &hub != &node) continue;
    for (const Node& client : network.nodes()) {
      if (client.kind != NodeKind::client || (node.kind == NodeKind::client && &client != &node)) continue;
      if (auto done = provision_pair(network, hub, client, request); !done) {
        complain(done.error().message);
        good = false;
      }
    }
  }
  return good;
}

}  // namespace dske::manager
