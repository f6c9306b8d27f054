// Getting PSRD from hubs to KMEs: the operator's work of binding a client at a hub, having a block made, and
// carrying its file over.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "manager/management_client.h"
#include "manager/network.h"
#include "manager/pki.h"

namespace dske::manager {

/// Whether a client has no PSRD at this hub, or in some zone less than half of what one default block gives.
[[nodiscard]] bool needs_psrd(const NodeStatus& hub, const std::string& client, const PsrdSizes& sizes);

/// Binds the client and its SAEs at the hub, unless they are bound already.
[[nodiscard]] Result<void> bind_client(ManagementClient& hub, const NodeStatus& hub_status,
                                       const ClientSpec& client);

/// The PSRD files in a directory, in the order of their names. What is unfinished or was refused is none.
[[nodiscard]] std::vector<std::filesystem::path> waiting_psrd_files(const std::filesystem::path& directory);

/// Moves a PSRD file into a directory, made if need be, under the same name. Both must be on one file system,
/// or the file is copied, flushed and wiped. ErrorKind::not_found if the file is not there (any more).
[[nodiscard]] Result<void> move_psrd_file(const std::filesystem::path& file,
                                          const std::filesystem::path& directory);

/// Has the hub make a block for the client and puts its file into `directory`. Files that were made before
/// and never carried over (an earlier run was cut short) go first, in place of a new block.
[[nodiscard]] Result<void> deliver_psrd(ManagementClient& hub, const Node& hub_node,
                                        const std::string& client, const PsrdSizes& sizes,
                                        const std::filesystem::path& directory);

/// Makes `directory` all that a node on another host needs: configuration, and for a KME its TLS files. The
/// certificate must have been issued. What is run there: `cd DIRECTORY && dske-hub init --config hub.yaml`.
[[nodiscard]] Result<void> prepare_directory_to_copy(const Network& network, const Node& node,
                                                     const std::filesystem::path& directory);

/// The certificates that the network's nodes and SAEs need: of the selected clients and their SAEs.
[[nodiscard]] std::vector<Subject> subjects_of(const Network& network, const Selection& selection);

}  // namespace dske::manager
