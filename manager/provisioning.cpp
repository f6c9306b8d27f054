#include "manager/provisioning.h"

#include <algorithm>

#include "base/file.h"
#include "base/file_stream.h"
#include "manager/node_config.h"

namespace dske::manager {
namespace {

constexpr std::size_t kPemBytesMost = std::size_t{64} << 10;
// How a half is divided by default (docs/protocol.md): the share of its authenticator zone.
constexpr std::int64_t kAuthenticatorFraction = 4;

bool is_under_half(const ZoneLevel& authenticator, const ZoneLevel& pad, std::int64_t half_bytes) {
  const std::int64_t authenticator_bytes = half_bytes / kAuthenticatorFraction;
  const std::int64_t pad_bytes = half_bytes - authenticator_bytes;
  return authenticator.left_bytes < authenticator_bytes / 2 || pad.left_bytes < pad_bytes / 2;
}

const PeerStatus* find_peer(const NodeStatus& status, const std::string& name) {
  const auto peer = std::find_if(status.peers.begin(), status.peers.end(),
                                 [&](const PeerStatus& candidate) { return candidate.name == name; });
  return peer == status.peers.end() ? nullptr : &*peer;
}

Result<void> copy_private_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  auto contents = read_file(from, kPemBytesMost);
  if (!contents) return contents.error();
  return write_file_atomically(to, contents->view(), 0600);
}

}  // namespace

bool needs_psrd(const NodeStatus& hub, const std::string& client, const PsrdSizes& sizes) {
  const PeerStatus* const peer = find_peer(hub, client);
  if (peer == nullptr || peer->psrd.blocks == 0) return true;
  const PsrdLevel& level = peer->psrd;
  return is_under_half(level.client_authenticator, level.client_pad, sizes.client_bytes) ||
         is_under_half(level.hub_authenticator, level.hub_pad, sizes.hub_bytes);
}

Result<void> bind_client(ManagementClient& hub, const NodeStatus& hub_status, const ClientSpec& client) {
  const PeerStatus* const peer = find_peer(hub_status, client.name.text());
  if (peer != nullptr) {
    const auto is_bound = [&](const SaeId& sae) {
      return std::find(peer->sae_ids.begin(), peer->sae_ids.end(), sae.text()) != peer->sae_ids.end();
    };
    if (std::all_of(client.encryptors.begin(), client.encryptors.end(), is_bound)) return {};
  }
  return hub.put_client(client.name.text(), client.encryptors);
}

std::vector<std::filesystem::path> waiting_psrd_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code fault;
  for (std::filesystem::directory_iterator entry(directory, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    const auto extension = entry->path().extension();
    if (extension == ".json" || extension == ".psrd") files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<void> move_psrd_file(const std::filesystem::path& file, const std::filesystem::path& directory) {
  if (auto made = make_private_directories(directory); !made) return made.error();
  const std::filesystem::path target = directory / file.filename();
  auto moved = move_private_file(file, target);
  std::error_code fault;
  if (!moved && !std::filesystem::exists(file, fault) && !fault) {
    return Error{ErrorKind::not_found, file.string() + " is not there any more"};
  }
  return moved;
}

Result<void> deliver_psrd(ManagementClient& hub, const Node& hub_node, const std::string& client,
                          const PsrdSizes& sizes, const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files = waiting_psrd_files(hub_node.directory / "psrd-out" / client);
  if (files.empty()) {
    auto made = hub.assign_psrd(client, sizes);
    if (!made) return made.error();
    files.push_back(std::move(*made));
  }
  for (const std::filesystem::path& file : files) {
    auto moved = move_psrd_file(file, directory);
    if (!moved && moved.error().kind != ErrorKind::not_found) return moved;  // the courier was faster
  }
  return {};
}

Result<void> prepare_directory_to_copy(const Network& network, const Node& node,
                                       const std::filesystem::path& directory) {
  const std::string config = config_text(network, node, portable_paths());
  if (auto written = write_config(directory / node.config_file.filename(), config); !written) {
    return written.error();
  }
  if (node.kind == NodeKind::hub) return {};
  const Pki pki(network.pki_directory());
  const NodePaths to = portable_paths();
  if (auto made = make_private_directories(directory / to.key.parent_path()); !made) return made;
  const std::pair<std::filesystem::path, std::filesystem::path> copies[] = {
      {pki.certificate_file(CertificateKind::kme, node.name), to.certificate},
      {pki.key_file(CertificateKind::kme, node.name), to.key},
      {pki.ca_file(), to.client_ca},
      {pki.crl_file(), to.client_crl}};
  for (const auto& [from, name] : copies) {
    if (auto copied = copy_private_file(from, directory / name); !copied) return copied;
  }
  return {};
}

std::vector<Subject> subjects_of(const Network& network, const Selection& selection) {
  std::vector<Subject> subjects;
  for (const Node& node : network.nodes()) {
    if (node.kind != NodeKind::client || !selection.has(node)) continue;
    subjects.push_back({CertificateKind::kme, node.name, node.address});
    for (const SaeId& sae : network.client_spec(node).encryptors) {
      subjects.push_back({CertificateKind::sae, sae.text(), {}});
    }
  }
  return subjects;
}

}  // namespace dske::manager
