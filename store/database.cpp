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

// An open blob, closed on destruction.
class Blob {
 public:
  Blob(sqlite3* connection, const BlobPlace& place, bool writable) {
    status_ =
        sqlite3_blob_open(connection, "main", place.table, place.column, place.row, writable ? 1 : 0, &blob_);
    // A row that is gone: SQLite says SQLITE_ERROR, but it is the file that is not as it should be.
    if (status_ == SQLITE_ERROR) status_ = SQLITE_CORRUPT;
  }
  ~Blob() { sqlite3_blob_close(blob_); }
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(sqlite3_blob_bytes(blob_)); }
  [[nodiscard]] bool holds(std::size_t offset, std::size_t count) const {
    return offset <= size() && count <= size() - offset;
  }
  [[nodiscard]] int write(std::size_t offset, ByteView bytes) {
    if (!holds(offset, bytes.size())) return SQLITE_CORRUPT;
    return sqlite3_blob_write(blob_, bytes.data(), static_cast<int>(bytes.size()), static_cast<int>(offset));
  }
  [[nodiscard]] int read(std::size_t offset, MutableByteView bytes) {
    if (!holds(offset, bytes.size())) return SQLITE_CORRUPT;
    return sqlite3_blob_read(blob_, bytes.data(), static_cast<int>(bytes.size()), static_cast<int>(offset));
  }

 private:
  sqlite3_blob* blob_ = nullptr;
  int status_;
};

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

Query& Query::bind_zeros(std::size_t size) {
  return note(sqlite3_bind_zeroblob64(statement_, ++bound_, size));
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
      "PRAGMA mmap_size = 0; PRAGMA cache_size = -512;");
  if (!configured || access == Access::read_only) return configured;
  // The WAL is overwritten from its start after every 256 pages (1 MiB; a frame is a page and 24 bytes) and
  // cut to that size, so what it once held is soon gone, even without a quiet moment for checkpoint().
  // Cutting it to nothing each time would make every commit twice as slow: the file would grow again.
  return execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 256;"
      "PRAGMA journal_size_limit = 1054752;");
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

Result<void> Database::write_blob(const BlobPlace& place, std::size_t offset, ByteView bytes) {
  if (bytes.empty()) return {};
  Blob blob(connection_, place, true);
  const int status = blob.status() != SQLITE_OK ? blob.status() : blob.write(offset, bytes);
  if (status != SQLITE_OK) return database_error(connection_, path_, status);
  return {};
}

Result<void> Database::read_blob(const BlobPlace& place, std::size_t offset, MutableByteView bytes) {
  if (bytes.empty()) return {};
  Blob blob(connection_, place, false);
  const int status = blob.status() != SQLITE_OK ? blob.status() : blob.read(offset, bytes);
  if (status != SQLITE_OK) return database_error(connection_, path_, status);
  return {};
}

Result<SecretBytes> Database::read_whole_blob(const BlobPlace& place) {
  Blob blob(connection_, place, false);
  if (blob.status() != SQLITE_OK) return database_error(connection_, path_, blob.status());
  SecretBytes bytes(blob.size());
  if (bytes.empty()) return bytes;
  if (const int status = blob.read(0, bytes.span()); status != SQLITE_OK) {
    return database_error(connection_, path_, status);
  }
  return bytes;
}

Result<void> Database::wipe_blob(const BlobPlace& place, std::size_t offset, std::size_t size) {
  static constexpr std::array<std::uint8_t, 4096> kZeros{};
  if (size == 0) return {};
  Blob blob(connection_, place, true);
  int status = blob.status();
  while (status == SQLITE_OK && size > 0) {
    const ByteView zeros = ByteView(kZeros).first(std::min(size, kZeros.size()));
    status = blob.write(offset, zeros);
    offset += zeros.size();
    size -= zeros.size();
  }
  if (status != SQLITE_OK) return database_error(connection_, path_, status);
  return {};
}

Result<void> Database::checkpoint() {
  const int status =
      sqlite3_wal_checkpoint_v2(connection_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (status != SQLITE_OK) return database_error(connection_, path_, status);
  return {};
}

}  // namespace dske::store
