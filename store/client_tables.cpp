#include "store/client_tables.h"

#include <optional>
#include <string>
#include <utility>

namespace dske::store {

const std::string_view kClientTables = R"(
CREATE TABLE hub (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL) STRICT;
CREATE TABLE client (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  id BLOB NOT NULL UNIQUE,
  registration_number INTEGER NOT NULL DEFAULT 0,
  enabled INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE client_sae (
  sae_id TEXT PRIMARY KEY,
  client INTEGER NOT NULL REFERENCES client (number)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_sae_client ON client_sae (client);
CREATE TABLE client_block (
  block INTEGER PRIMARY KEY REFERENCES psrd_block (number) ON DELETE CASCADE,
  client INTEGER NOT NULL REFERENCES client (number),
  listed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX client_block_client ON client_block (client);
CREATE TABLE revoked_block (
  id BLOB PRIMARY KEY,
  client INTEGER NOT NULL REFERENCES client (number)
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_block_client ON revoked_block (client);
)";

Result<void> ClientTables::set_hub_id(Database& database, const HubId& hub_id) {
  return database.query("INSERT INTO hub (one, id) VALUES (1, ?)").bind(hub_id.uuid()).run();
}

Result<HubId> ClientTables::hub_id() {
  auto query = database_.query("SELECT id FROM hub");
  const auto row = query.step();
  if (!row) return row.error();
  if (!*row) return Error{ErrorKind::corrupt, database_.path() + ": the hub's id is missing"};
  const auto id = query.uuid(0);
  if (!id) return id.error().within("the hub's id");
  return HubId(*id);
}

Result<std::int64_t> ClientTables::number_of(const ClientName& client) {
  auto query = database_.query("SELECT number FROM client WHERE name = ?");
  const auto row = query.bind(std::string_view(client.text())).step();
  if (!row) return row.error();
  if (!*row) return Error{ErrorKind::not_found, "there is no client " + client.text()};
  return query.integer(0);
}

Result<ClientRecord> ClientTables::put_client(const ClientName& name, const ClientId& new_id,
                                              const std::vector<SaeId>& sae_ids) {
  auto made = database_.query("INSERT INTO client (name, id) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
                  .bind(std::string_view(name.text()))
                  .bind(new_id.uuid())
                  .run();
  if (!made) return made.error();
  const auto client = number_of(name);
  if (!client) return client.error();
  for (const SaeId& sae_id : sae_ids) {
    if (auto bound = bind_sae(*client, sae_id); !bound) return bound.error();
  }
  return read_client(name);
}

Result<void> ClientTables::bind_sae(std::int64_t client, const SaeId& sae_id) {
  auto bound =
      database_.query("INSERT INTO client_sae (sae_id, client) VALUES (?, ?) ON CONFLICT (sae_id) DO NOTHING")
          .bind(std::string_view(sae_id.text()))
          .bind(client)
          .run();
  if (!bound) return bound;
  auto query = database_.query(
      "SELECT client.number, client.name FROM client_sae JOIN client"
      " ON client.number = client_sae.client WHERE sae_id = ?");
  const auto row = query.bind(std::string_view(sae_id.text())).step();
  if (!row) return row.error();
  if (*row && query.integer(0) == client) return {};
  return Error{ErrorKind::conflict,
               "SAE " + sae_id.text() + " is bound to the client " + std::string(query.text(1)) + " already"};
}

Result<ClientRecord> ClientTables::read_client(const ClientName& name) {
  ClientRecord record;
  record.name = name;
  std::int64_t number = 0;
  {
    auto query = database_.query(
        "SELECT number, id, registration_number, enabled, registration_number > 0 AND EXISTS"
        " (SELECT 1 FROM client_block WHERE client = client.number AND listed = 1) FROM client WHERE name = "
        "?");
    const auto row = query.bind(std::string_view(name.text())).step();
    if (!row) return row.error();
    if (!*row) return Error{ErrorKind::not_found, "there is no client " + name.text()};
    const auto id = query.uuid(1);
    if (!id) return id.error().within("the client " + name.text());
    number = query.integer(0);
    record.id = ClientId(*id);
    record.registration_number = query.number(2);
    record.enabled = query.integer(3) != 0;
    record.registered = query.integer(4) != 0;
  }
  auto sae_ids = sae_ids_of(number);
  if (!sae_ids) return sae_ids.error().within("the client " + name.text());
  record.sae_ids = std::move(*sae_ids);
  return record;
}

Result<std::vector<SaeId>> ClientTables::sae_ids_of(std::int64_t client) {
  std::vector<SaeId> sae_ids;
  auto query = database_.query("SELECT sae_id FROM client_sae WHERE client = ? ORDER BY sae_id");
  query.bind(client);
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return sae_ids;
    auto sae_id = SaeId::parse(query.text(0));
    if (!sae_id) return Error{ErrorKind::corrupt, "a stored SAE ID is damaged: " + sae_id.error().message};
    sae_ids.push_back(std::move(*sae_id));
  }
}

Result<PsrdBlock> ClientTables::add_block(const ClientName& client, const BlockWriter& written) {
  const auto number = number_of(client);
  if (!number) return number.error();
  auto added = blocks_.add(written);
  if (!added) return added.error();
  auto bound = database_.query("INSERT INTO client_block (block, client) VALUES (?, ?)")
                   .bind(added->number)
                   .bind(*number)
                   .run();
  if (!bound) return bound.error();
  return std::move(added->block);
}

Result<bool> ClientTables::owns(std::int64_t client, const BlockId& block) {
  auto query =
      database_.query("SELECT client FROM client_block JOIN psrd_block ON number = block WHERE id = ?");
  const auto row = query.bind(block.uuid()).step();
  if (!row) return row.error();
  if (!*row) return false;
  if (query.integer(0) == client) return true;
  return Error{ErrorKind::forbidden, "PSRD block " + block.text() + " belongs to another client"};
}

Result<void> ClientTables::register_client(const RegistrationRecord& registration) {
  const auto client = number_of(registration.client);
  if (!client) return client.error();
  auto raised =
      database_
          .query("UPDATE client SET registration_number = ?1 WHERE number = ?2 AND registration_number < ?1")
          .bind(registration.number)
          .bind(*client)
          .run();
  if (!raised) return raised;
  if (database_.changed_rows() == 0) {
    return Error{ErrorKind::conflict, "registration " + std::to_string(registration.number) + " of " +
                                          registration.client.text() + " is not newer than the last one"};
  }
  for (const PsrdFloor& floor : registration.floors) {
    if (const auto owned = owns(*client, floor.block); !owned) return owned.error();
  }
  if (auto floors = blocks_.raise_floors(registration.floors); !floors) return floors;
  for (const BlockId& block : registration.listed) {
    const auto owned = owns(*client, block);
    if (!owned) return owned.error();
    if (!*owned) return Error{ErrorKind::not_found, "PSRD block " + block.text() + " is not in the store"};
    auto listed = database_
                      .query(
                          "UPDATE client_block SET listed = 1"
                          " WHERE block = (SELECT number FROM psrd_block WHERE id = ?) AND listed = 0")
                      .bind(block.uuid())
                      .run();
    if (!listed) return listed;
  }
  for (const BlockId& block : registration.dropped) {
    if (const auto owned = owns(*client, block); !owned) return owned.error();
    if (auto dropped = blocks_.drop(block); !dropped) return dropped;
  }
  return {};
}

Result<void> ClientTables::leave(const ClientName& name, Leaving how) {
  const auto client = number_of(name);
  if (!client) return client.error();
  if (how == Leaving::keep_psrd) {
    return database_.query("UPDATE client_block SET listed = 0 WHERE client = ?").bind(*client).run();
  }
  std::vector<BlockId> listed;
  {
    auto query = database_.query(
        "SELECT id FROM psrd_block JOIN client_block ON block = number WHERE client = ? AND listed = 1");
    query.bind(*client);
    while (true) {
      const auto row = query.step();
      if (!row) return row.error();
      if (!*row) break;
      const auto id = query.uuid(0);
      if (!id) return id.error();
      listed.emplace_back(*id);
    }
  }
  for (const BlockId& block : listed) {
    if (auto dropped = blocks_.drop(block); !dropped) return dropped;
  }
  return {};
}

Result<std::vector<ClientRecord>> ClientTables::clients() {
  std::vector<ClientName> names;
  {
    auto query = database_.query("SELECT number, name FROM client ORDER BY number");
    while (true) {
      const auto row = query.step();
      if (!row) return row.error();
      if (!*row) break;
      auto name = ClientName::parse(query.text(1));
      if (!name) {
        return Error{ErrorKind::corrupt, "the name of client " + std::to_string(query.integer(0)) + " in " +
                                             database_.path() + " is damaged: " + name.error().message};
      }
      names.push_back(std::move(*name));
    }
  }
  std::vector<ClientRecord> records;
  for (const ClientName& name : names) {
    auto record = read_client(name);
    if (!record) return record.error();
    records.push_back(std::move(*record));
  }
  return records;
}

Result<std::vector<ClientBlock>> ClientTables::blocks() {
  struct Row {
    std::int64_t number;
    std::string client;
    bool listed;
  };
  std::vector<Row> rows;
  {
    auto query = database_.query(
        "SELECT block, name, listed FROM client_block JOIN client ON number = client ORDER BY block");
    while (true) {
      const auto row = query.step();
      if (!row) return row.error();
      if (!*row) break;
      rows.push_back({query.integer(0), std::string(query.text(1)), query.integer(2) != 0});
    }
  }
  std::vector<ClientBlock> found;
  for (const Row& row : rows) {
    auto client = ClientName::parse(row.client);
    if (!client)
      return Error{ErrorKind::corrupt, "a stored client name is damaged: " + client.error().message};
    auto block = blocks_.load(row.number);
    if (!block) return block.error();
    if (*block) found.push_back({std::move(*client), std::move(**block), row.listed});
  }
  return found;
}

}  // namespace dske::store
