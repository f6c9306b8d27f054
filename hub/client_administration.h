// What a hub's operator does to clients and to PSRD that is there. The same whether the daemon runs or not.
#pragma once

#include <memory>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "hub/client_registry.h"
#include "hub/ready_files.h"
#include "store/hub_store.h"

namespace dske::hub {

/// What is durable is so before it is answered, and takes effect at once in the running hub. Thread-safe;
/// callbacks run on a thread of the store. The references must outlive it and its callbacks.
class ClientAdministration {
 public:
  using ClientAnswer = UniqueFunction<void(Result<std::shared_ptr<Client>>)>;

  ClientAdministration(ClientRegistry& clients, store::HubStore& store, const ReadyFiles& files)
      : clients_(clients), store_(store), files_(files) {}

  /// As HubStore::change_saes.
  void change_saes(ClientName name, std::vector<SaeId> bind, std::vector<SaeId> unbind, ClientAnswer done);
  /// A disabled client keeps its PSRD and its shares, and nothing that it sends is accepted; others post no
  /// shares for it. ErrorKind::not_found if there is no such client.
  void set_enabled(ClientName name, bool enabled, ClientAnswer done);

  /// What went with a client.
  struct Removed {
    std::size_t blocks = 0;
    std::size_t files = 0;
  };
  /// Removes a client with all that the hub has of it, ready files too. Its name is free afterwards.
  /// ErrorKind::not_found if there is no such client. Waits for the disk.
  [[nodiscard]] Result<Removed> remove(const ClientName& name);

  /// Wipes blocks and their ready files, all or none, never to be used again; a client learns of it when it
  /// registers. ErrorKind::not_found if one is not here (any more). Waits for the disk.
  [[nodiscard]] Result<std::vector<store::RevokedBlock>> revoke(const std::vector<BlockId>& blocks);
  /// The same of all blocks of a client.
  [[nodiscard]] Result<std::vector<store::RevokedBlock>> revoke_all(const ClientName& client);

  /// ErrorKind::conflict if the client has registered before, or a block of it has left the hub: then it is
  /// not its first that would be made.
  [[nodiscard]] Result<void> check_without_psrd(const ClientName& client) const;

 private:
  [[nodiscard]] ClientAnswer updating(ClientAnswer done);
  [[nodiscard]] Result<std::vector<store::RevokedBlock>> revoked(
      Result<std::vector<store::RevokedBlock>> blocks);

  ClientRegistry& clients_;
  store::HubStore& store_;
  const ReadyFiles& files_;
};

}  // namespace dske::hub
