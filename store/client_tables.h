// A hub's clients, their SAEs and their PSRD blocks in the database.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "store/database.h"
#include "store/hub_store.h"
#include "store/psrd_tables.h"

namespace dske::store {

extern const std::string_view kClientTables;

/// All calls belong into a transaction; their contracts are HubStore's.
class ClientTables {
 public:
  ClientTables(Database& database, BlockVault& vault)
      : database_(database), blocks_(database, vault, Side::hub) {}

  /// For a new store.
  static Result<void> set_hub_id(Database& database, const HubId& hub_id);
  Result<HubId> hub_id();

  Result<ClientRecord> put_client(const ClientName& name, const ClientId& new_id,
                                  const std::vector<SaeId>& sae_ids);
  Result<ClientRecord> change_saes(const ClientName& name, const std::vector<SaeId>& bind,
                                   const std::vector<SaeId>& unbind);
  Result<ClientRecord> set_enabled(const ClientName& name, bool enabled);
  /// All but its shares and claims.
  Result<void> remove_client(const ClientName& name);
  Result<std::vector<RevokedBlock>> revoke(const std::vector<BlockId>& blocks);
  Result<std::vector<RevokedBlock>> revoke_all(const ClientName& name);
  /// ErrorKind::not_found if there is no such client.
  Result<PsrdBlock> add_block(const ClientName& client, const BlockWriter& written);
  Result<void> register_client(const RegistrationRecord& registration);
  /// The part of HubStore::leave() that concerns the client and its blocks.
  Result<void> leave(const ClientName& client, Leaving how);

  Result<std::vector<ClientRecord>> clients();
  Result<std::vector<ClientBlock>> blocks();
  Result<std::vector<RevokedBlock>> revoked_blocks();

 private:
  Result<std::int64_t> number_of(const ClientName& client);
  Result<void> bind_sae(std::int64_t client, const SaeId& sae_id);
  Result<ClientRecord> read_client(const ClientName& name);
  Result<std::vector<SaeId>> sae_ids_of(std::int64_t client);
  Result<std::vector<BlockId>> block_ids_of(std::int64_t client);
  Result<RevokedBlock> revoke(const BlockId& block);
  Result<bool> owns(std::int64_t client, const BlockId& block);

  Database& database_;
  PsrdTables blocks_;
};

}  // namespace dske::store
