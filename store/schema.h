// Making and opening a store's database file: what kind it is, and of which version.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/sealer.h"
#include "base/unique_function.h"
#include "store/database.h"

namespace dske::store {

/// Whose store it is. The values are SQLite's application_id in the file's header, so that neither is taken
/// for the other.
enum class StoreKind : std::int32_t {
  hub = 0x44534B48,  ///< "DSKH"
  kme = 0x44534B4B,  ///< "DSKK"
};

/// SQLite's user_version. A store of a newer one is refused.
inline constexpr std::int64_t kSchemaVersion = 3;

[[nodiscard]] std::filesystem::path database_path(const std::filesystem::path& state_dir);

/// ErrorKind::conflict if there is a store.
[[nodiscard]] Result<void> check_no_database(const std::filesystem::path& state_dir);

/// Makes the file with the tables that all stores have and `own_tables`, and calls `fill` to put in what a
/// new store holds. A crash leaves a whole store or none. ErrorKind::conflict if there is one.
[[nodiscard]] Result<void> create_database(const std::filesystem::path& state_dir, StoreKind kind,
                                           std::string_view own_tables, const Sealer& sealer,
                                           UniqueFunction<Result<void>(Database&)> fill);

/// ErrorKind::not_found if there is none, ErrorKind::invalid if it is of another kind or version, or was made
/// with another node key.
[[nodiscard]] Result<std::unique_ptr<Database>> open_database(const std::filesystem::path& state_dir,
                                                              StoreKind kind, const Sealer& sealer);

}  // namespace dske::store
