// What a hub's operator does to clients that are there (ClientTables).
#include <string>
#include <utility>

#include "store/client_tables.h"

namespace dske::store {

Result<ClientRecord> ClientTables::change_saes(const ClientName& name, const std::vector<SaeId>& bind,
                                               const std::vector<SaeId>& unbind) {
  const auto client = number_of(name);
  if (!client) return client.error();
  for (const SaeId& sae_id : bind) {
    if (auto bound = bind_sae(*client, sae_id); !bound) return bound.error();
  }
  for (const SaeId& sae_id : unbind) {
    auto gone = database_.query("DELETE FROM client_sae WHERE sae_id = ? AND client = ?")
                    .bind(std::string_view(sae_id.text()))
                    .bind(*client)
                    .run();
    if (!gone) return gone.error();
    if (database_.changed_rows() == 0) {
      return Error{ErrorKind::not_found,
                   "SAE " + sae_id.text() + " is not bound to the client " + name.text()};
    }
  }
  return read_client(name);
}

Result<ClientRecord> ClientTables::set_enabled(const ClientName& name, bool enabled) {
  auto changed = database_.query("UPDATE client SET enabled = ? WHERE name = ?")
                     .bind(std::int64_t{enabled})
                     .bind(std::string_view(name.text()))
                     .run();
  if (!changed) return changed.error();
  return read_client(name);
}

Result<std::vector<BlockId>> ClientTables::block_ids_of(std::int64_t client) {
  std::vector<BlockId> ids;
  auto query = database_.query(
      "SELECT id FROM client_block JOIN psrd_block ON number = block WHERE client = ? ORDER BY block");
  query.bind(client);
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return ids;
    const auto id = query.uuid(0);
    if (!id) return id.error();
    ids.emplace_back(*id);
  }
}

Result<void> ClientTables::remove_client(const ClientName& name) {
  const auto client = number_of(name);
  if (!client) return client.error();
  const auto blocks = block_ids_of(*client);
  if (!blocks) return blocks.error();
  for (const BlockId& block : *blocks) {
    if (auto dropped = blocks_.drop(block); !dropped) return dropped;
  }
  for (const char* sql :
       {"DELETE FROM client_sae WHERE client = ?", "DELETE FROM revoked_block WHERE client = ?",
        "DELETE FROM client WHERE number = ?"}) {
    if (auto gone = database_.query(sql).bind(*client).run(); !gone) return gone;
  }
  return {};
}

Result<RevokedBlock> ClientTables::revoke(const BlockId& block) {
  RevokedBlock revoked{block, {}};
  {
    auto query = database_.query(
        "SELECT name, 1 FROM revoked_block JOIN client ON number = client WHERE revoked_block.id = ?1"
        " UNION ALL SELECT name, 0 FROM psrd_block JOIN client_block ON block = psrd_block.number"
        " JOIN client ON client.number = client_block.client WHERE psrd_block.id = ?1");
    const auto row = query.bind(block.uuid()).step();
    if (!row) return row.error();
    if (!*row) {
      return Error{ErrorKind::not_found,
                   "there is no PSRD block " + block.text() + " here, or it is used up and gone"};
    }
    auto client = ClientName::parse(query.text(0));
    if (!client)
      return Error{ErrorKind::corrupt, "a stored client name is damaged: " + client.error().message};
    revoked.client = std::move(*client);
    if (query.integer(1) != 0) return revoked;  // before
  }
  auto noted = database_
                   .query(
                       "INSERT INTO revoked_block (id, client) SELECT id, client FROM client_block"
                       " JOIN psrd_block ON number = block WHERE id = ?")
                   .bind(block.uuid())
                   .run();
  if (!noted) return noted.error();
  if (auto dropped = blocks_.drop(block); !dropped) return dropped.error();
  return revoked;
}

Result<std::vector<RevokedBlock>> ClientTables::revoke(const std::vector<BlockId>& blocks) {
  std::vector<RevokedBlock> revoked;
  for (const BlockId& block : blocks) {
    auto one = revoke(block);
    if (!one) return one.error();
    revoked.push_back(std::move(*one));
  }
  return revoked;
}

Result<std::vector<RevokedBlock>> ClientTables::revoke_all(const ClientName& name) {
  const auto client = number_of(name);
  if (!client) return client.error();
  const auto blocks = block_ids_of(*client);
  if (!blocks) return blocks.error();
  return revoke(*blocks);
}

Result<std::vector<RevokedBlock>> ClientTables::revoked_blocks() {
  std::vector<RevokedBlock> revoked;
  auto query = database_.query(
      "SELECT revoked_block.id, name FROM revoked_block JOIN client ON number = client ORDER BY name, "
      "revoked_block.id");
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return revoked;
    const auto id = query.uuid(0);
    if (!id) return id.error();
    auto client = ClientName::parse(query.text(1));
    if (!client)
      return Error{ErrorKind::corrupt, "a stored client name is damaged: " + client.error().message};
    revoked.push_back({BlockId(*id), std::move(*client)});
  }
}

}  // namespace dske::store
