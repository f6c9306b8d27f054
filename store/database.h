// The one door to SQLite: connections, statements, blobs, and errors that tell an operator the cause.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "base/uuid.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dske::store {

/// One use of a prepared statement: bind its parameters in their order, then step through its rows, or run
/// it. What is bound is not copied and must outlive the query. A fault in preparing or binding is answered by
/// step() and run(). Only one query of the same text may live at a time on a connection.
class Query {
 public:
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  /// Values of 2^63 and more are refused.
  Query& bind(std::uint64_t value);
  Query& bind(std::string_view text);
  Query& bind(ByteView blob);
  Query& bind(const Uuid& uuid) { return bind(ByteView(uuid.bytes())); }

  /// Whether there is a (further) row.
  Result<bool> step();
  /// Steps to the end.
  Result<void> run();

  /// The present row's columns, counted from 0. Views are valid until the next step.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] ByteView blob(int column) const;
  /// ErrorKind::corrupt unless the column holds 16 bytes.
  [[nodiscard]] Result<Uuid> uuid(int column) const;

 private:
  friend class Database;
  Query(sqlite3* connection, sqlite3_stmt* statement, const std::string& path, int status);
  Query& note(int status);

  sqlite3* connection_;
  sqlite3_stmt* statement_;
  const std::string& path_;
  int status_;
  int bound_ = 0;
};

/// A connection to one database file, set up as every store uses it: WAL, each commit flushed to disk,
/// deleted content overwritten, foreign keys, a small cache, nothing in temporary files. To be used by one
/// thread at a time. Errors are ErrorKind::io (disk full, read-only, ...) or corrupt; a violated uniqueness
/// is ErrorKind::conflict.
class Database {
 public:
  enum class Access { read_write, read_only };

  /// Opens an existing file (an empty one is an empty database).
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path,
                                                              Access access);
  /// Copies what is left in the WAL into the file and closes.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements without parameters and rows.
  Result<void> execute(const std::string& sql);
  /// REQUIRES: `sql` lives as long as the connection (a literal); statements are prepared once and kept.
  [[nodiscard]] Query query(std::string_view sql);
  /// The number of the row inserted last.
  [[nodiscard]] std::int64_t inserted_row() const;
  /// How many rows the last INSERT, UPDATE or DELETE changed.
  [[nodiscard]] std::int64_t changed_rows() const;
  /// False also after SQLite ended a transaction by itself because of an error.
  [[nodiscard]] bool in_transaction() const;

  /// What has to be done outside the database, once the present transaction has been committed. It must not
  /// fail: what it leaves undone, the next start does.
  void on_commit(Task task) { on_commit_.push_back(std::move(task)); }
  [[nodiscard]] std::size_t tasks_on_commit() const { return on_commit_.size(); }
  /// Forgets all but the first `kept` tasks: what they belong to was rolled back.
  void forget_on_commit(std::size_t kept) { on_commit_.resize(kept); }
  /// Runs them, after a commit.
  void run_on_commit();

  /// Moves the WAL's contents into the file and empties the WAL, so that nothing older than the present
  /// contents is left in either. Does what it can while readers are active.
  Result<void> checkpoint();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Database(sqlite3* connection, std::string path) : connection_(connection), path_(std::move(path)) {}
  Result<void> configure(Access access);

  sqlite3* connection_;
  std::string path_;
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
  std::vector<Task> on_commit_;
};

}  // namespace dske::store
