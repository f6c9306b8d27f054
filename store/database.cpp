#include "store/database.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include <sqlite3.h>

namespace dske::store {
namespace {

// A reader never blocks the writer in WAL mode; only a checkpoint waits for readers, which are quick.
constexpr int kBusyMilliseconds = 500;

std::string system_cause(sqlite3* connection) {
  const int reason = sqlite3_system_errno(connection);
  return reason == 0 ? std::string() : ": " + std::generic_category().message(reason);
}

Error database_error(sqlite3* connection, const std::string& path, int status) {
  const auto error = [&](ErrorKind kind, const std::string& cause) {
    return Error{kind, path + ": " + cause};
  };
  switch (status & 0xff) {
    case SQLITE_FULL:
      return error(ErrorKind::io, "the disk is full");
    case SQLITE_READONLY:
      return error(ErrorKind::io, "it is read-only");
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return error(ErrorKind::io, "it cannot be opened" + system_cause(connection));
    case SQLITE_IOERR:
      return error(ErrorKind::io, "input or output failed" + system_cause(connection));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(ErrorKind::io, "another process uses it");
    case SQLITE_CORRUPT:
      return error(ErrorKind::corrupt, "the database is damaged");
    case SQLITE_NOTADB:
      return error(ErrorKind::corrupt, "it is no database");
    case SQLITE_TOOBIG:
      return error(ErrorKind::invalid, "a value is too large for the database");
    case SQLITE_CONSTRAINT:
      return error(ErrorKind::conflict, "it contradicts what is stored");
    case SQLITE_NOMEM:
      return error(ErrorKind::exhausted, "out of memory");
    default:
      return error(ErrorKind::internal, std::string("SQLite: ") + sqlite3_errmsg(connection));
  }
}

}  // namespace

Query::Query(sqlite3* connection, sqlite3_stmt* statement, const std::string& path, int status)
    : connection_(connection), statement_(statement), path_(path), status_(status) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::note(int status) {
  if (status_ == SQLITE_OK) status_ = status;
  return *this;
}

Query& Query::bind(std::int64_t value) {
  return note(sqlite3_bind_int64(statement_, ++bound_, value));
}

Query& Query::bind(std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return note(SQLITE_TOOBIG);
  return bind(static_cast<std::int64_t>(value));
}

Query& Query::bind(std::string_view text) {
  return note(
      sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

Query& Query::bind(ByteView blob) {
  // A null pointer would be SQL's NULL.
  const void* bytes = blob.empty() ? "" : static_cast<const void*>(blob.data());
  return note(sqlite3_bind_blob64(statement_, ++bound_, bytes, blob.size(), SQLITE_STATIC));
}

Result<bool> Query::step() {
  if (status_ == SQLITE_OK) {
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    status_ = status;
  }
  return database_error(connection_, path_, status_);
}

Result<void> Query::run() {
  while (true) {
    const auto row = step();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view Query::text(int column) const {
  return as_text(blob(column));
}

ByteView Query::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  return {static_cast<const std::uint8_t*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<Uuid> Query::uuid(int column) const {
  const ByteView bytes = blob(column);
  std::array<std::uint8_t, Uuid::kBytes> copy{};
  if (bytes.size() != copy.size()) return database_error(connection_, path_, SQLITE_CORRUPT);
  std::memcpy(copy.data(), bytes.data(), copy.size());
  return Uuid(copy);
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, Access access) {
  const int flags = (access == Access::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  sqlite3* connection = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  std::unique_ptr<Database> database(new Database(connection, path.string()));
  if (status != SQLITE_OK) return database_error(connection, path.string(), status);
  if (auto configured = database->configure(access); !configured) return configured.error();
  return database;
}

Result<void> Database::configure(Access access) {
  sqlite3_busy_timeout(connection_, kBusyMilliseconds);
  // SQLite falls back to reading where it may not write.
  if (access == Access::read_write && sqlite3_db_readonly(connection_, "main") != 0) {
    return database_error(connection_, path_, SQLITE_READONLY);
  }
  auto configured = execute(
      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON;"
      "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
      "PRAGMA mmap_size = 0; PRAGMA cache_size = -2048;");
  if (!configured || access == Access::read_only) return configured;
  // The WAL is overwritten from its start after every 256 pages (1 MiB; a frame is a page and 24 bytes) and
  // cut to that size, so what it once held is soon gone, even without a quiet moment for checkpoint().
  // Cutting it to nothing each time would make every commit twice as slow: the file would grow again.
  return execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1024;"
      "PRAGMA journal_size_limit = 4218912;");
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

Result<void> Database::execute(const std::string& sql) {
  const int status = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return database_error(connection_, path_, status);
  return {};
}

Query Database::query(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int status = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) return {connection_, nullptr, path_, status};
    found = statements_.emplace(sql, statement).first;
  }
  assert(sqlite3_stmt_busy(found->second) == 0);
  return {connection_, found->second, path_, SQLITE_OK};
}

std::int64_t Database::inserted_row() const {
  return sqlite3_last_insert_rowid(connection_);
}

std::int64_t Database::changed_rows() const {
  return sqlite3_changes64(connection_);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(connection_) == 0;
}

void Database::run_on_commit() {
  for (Task& task : std::exchange(on_commit_, {})) task();
}

Result<void> Database::checkpoint() {
  const int status =
      sqlite3_wal_checkpoint_v2(connection_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (status != SQLITE_OK) return database_error(connection_, path_, status);
  return {};
}

}  // namespace dske::store
