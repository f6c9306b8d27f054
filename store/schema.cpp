#include "store/schema.h"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>

#include "base/file.h"
#include "store/psrd_tables.h"
#include "store/set_back_guard.h"

namespace dske::store {
namespace {

Result<std::int64_t> read_pragma(Database& database, std::string_view pragma) {
  auto query = database.query(pragma);
  const auto row = query.step();
  if (!row) return row.error();
  return *row ? query.integer(0) : 0;
}

Result<void> remove_leftover(const std::filesystem::path& path) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
    std::error_code failure;
    std::filesystem::remove(path.string() + suffix, failure);
    if (failure) return io_error("cannot remove " + path.string() + suffix, failure.value());
  }
  return {};
}

Result<void> make_empty_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return io_error("cannot create " + path.string(), errno);
  return {};
}

// Opens with the node key alone, so that another one is noticed before anything is done with it.
constexpr std::string_view kKeyTables = R"(
CREATE TABLE node_key (one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL) STRICT;
)";
constexpr std::string_view kKeyLabel = "the node key of this store";

Result<void> note_key(Database& database, const Sealer& sealer) {
  const Bytes sealed = sealer.seal({}, as_bytes(kKeyLabel));
  return database.query("INSERT INTO node_key (one, sealed) VALUES (1, ?)").bind(ByteView(sealed)).run();
}

Result<void> check_key(Database& database, const Sealer& sealer) {
  auto query = database.query("SELECT sealed FROM node_key");
  const auto row = query.step();
  if (!row) return row.error();
  if (*row && sealer.open(query.blob(0), as_bytes(kKeyLabel))) return {};
  return invalid(database.path() +
                 " was made with another node key: give the node the key it was initialised with");
}

Result<void> fill_database(const std::filesystem::path& path, StoreKind kind, std::string_view own_tables,
                           const Sealer& sealer, UniqueFunction<Result<void>(Database&)> fill) {
  auto database = Database::open(path, Database::Access::read_write);
  if (!database) return database.error();
  std::string statements = "BEGIN;";
  statements.append(kKeyTables).append(kSetBackTables).append(kPsrdTables).append(own_tables);
  statements += "PRAGMA application_id = " + std::to_string(static_cast<std::int32_t>(kind)) + ";";
  statements += "PRAGMA user_version = " + std::to_string(kSchemaVersion) + ";";
  if (auto made = (*database)->execute(statements); !made) return made;
  if (auto noted = note_key(**database, sealer); !noted) return noted;
  if (auto filled = fill(**database); !filled) return filled;
  if (auto committed = (*database)->execute("COMMIT"); !committed) return committed;
  // Into the file itself: the WAL is not renamed with it.
  return (*database)->checkpoint();
}

}  // namespace

std::filesystem::path database_path(const std::filesystem::path& state_dir) {
  return state_dir / "store.db";
}

Result<void> check_no_database(const std::filesystem::path& state_dir) {
  const std::filesystem::path path = database_path(state_dir);
  std::error_code failure;
  if (std::filesystem::exists(path, failure)) {
    return Error{ErrorKind::conflict, path.string() + " exists already"};
  }
  if (failure) return io_error("cannot look for " + path.string(), failure.value());
  return {};
}

Result<void> create_database(const std::filesystem::path& state_dir, StoreKind kind,
                             std::string_view own_tables, const Sealer& sealer,
                             UniqueFunction<Result<void>(Database&)> fill) {
  if (auto none = check_no_database(state_dir); !none) return none;
  const std::filesystem::path path = database_path(state_dir);
  const std::filesystem::path unfinished = path.string() + ".new";
  if (auto removed = remove_leftover(unfinished); !removed) return removed;
  if (auto made = make_empty_file(unfinished); !made) return made;
  if (auto filled = fill_database(unfinished, kind, own_tables, sealer, std::move(fill)); !filled) {
    [[maybe_unused]] const auto removed = remove_leftover(unfinished);
    return filled;
  }
  std::error_code failure;
  std::filesystem::rename(unfinished, path, failure);
  if (failure) return io_error("cannot rename to " + path.string(), failure.value());
  return sync_directory(state_dir);
}

Result<std::unique_ptr<Database>> open_database(const std::filesystem::path& state_dir, StoreKind kind,
                                                const Sealer& sealer) {
  const std::filesystem::path path = database_path(state_dir);
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) {
    if (failure) return io_error("cannot look for " + path.string(), failure.value());
    return Error{ErrorKind::not_found, path.string() + " does not exist: initialise the node first"};
  }
  auto database = Database::open(path, Database::Access::read_write);
  if (!database) return database.error();
  const auto found = read_pragma(**database, "PRAGMA application_id");
  if (!found) return found.error();
  if (*found != static_cast<std::int32_t>(kind)) {
    const bool other =
        *found == static_cast<std::int32_t>(kind == StoreKind::hub ? StoreKind::kme : StoreKind::hub);
    return invalid(path.string() + " is " +
                   (other ? "the other kind of node's store" : "no store of a node") + ", not a " +
                   (kind == StoreKind::hub ? "hub's" : "KME's"));
  }
  const auto version = read_pragma(**database, "PRAGMA user_version");
  if (!version) return version.error();
  if (*version != kSchemaVersion) {
    return invalid(path.string() + " has schema version " + std::to_string(*version) +
                   ", this program knows " + std::to_string(kSchemaVersion) +
                   ": use the program's version that wrote it");
  }
  if (auto checked = check_key(**database, sealer); !checked) return checked.error();
  return database;
}

}  // namespace dske::store
