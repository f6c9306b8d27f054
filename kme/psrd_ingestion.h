// Ingests PSRD files, each exactly once (docs/protocol.md, section 1.2).
#pragma once

#include <filesystem>
#include <functional>

#include "base/mutex.h"
#include "dske/psrd_block.h"
#include "kme/hub_roster.h"
#include "kme/kme_config.h"
#include "psrdfile/psrd_header.h"
#include "psrdfile/psrd_input.h"
#include "store/kme_store.h"

namespace dske {
class PsrdFileReader;
}

namespace dske::kme {

/// A file that was ingested.
struct Ingested {
  store::HubRecord hub;
  PsrdBlock block;
};

/// Waits for the disk: for tools and worker threads. Thread-safe.
class PsrdIngestion {
 public:
  /// The references must outlive it.
  PsrdIngestion(const KmeConfig& config, const HubRoster& roster, store::KmeStore& store,
                std::vector<store::HubRecord> known_hubs);

  /// Checks the file, makes its block durable, then wipes and removes the file. Errors, each with its cause
  /// and nothing changed: no such file, damaged, for another client, of a hub that may not be joined so or
  /// has changed its id, ingested before (ErrorKind::conflict), encrypted for somebody else. `identity` opens
  /// an encrypted file; if it is empty, the configuration's does.
  [[nodiscard]] Result<Ingested> ingest(const std::filesystem::path& file, PsrdArrival arrival,
                                        const IdentityFiles& identity = {});
  /// The first part of ingest(): the file stays. A crash before wipe() loses nothing: it is_known() then.
  [[nodiscard]] Result<Ingested> store(const std::filesystem::path& file, PsrdArrival arrival,
                                       const IdentityFiles& identity = {});
  /// The second part. Failures are logged.
  void wipe(const std::filesystem::path& file);
  /// Whether a file's header names a block that was ingested before: its bytes are of no use to anybody.
  [[nodiscard]] bool is_known(const std::filesystem::path& file);
  /// A hub was forgotten: one of the same name and another id is as good as any.
  void forget_hub(const HubId& hub);

 private:
  [[nodiscard]] Result<void> check(const PsrdHeader& file, PsrdArrival arrival) const;
  /// Writes the block into the store and makes it durable.
  [[nodiscard]] Result<PsrdBlock> store_block(const store::HubRecord& hub, PsrdFileReader& file);
  [[nodiscard]] Result<bool> knows(const BlockId& block);

  const KmeConfig& config_;
  const HubRoster& roster_;
  store::KmeStore& store_;
  mutable Mutex mutex_;
  std::vector<store::HubRecord> known_hubs_ GUARDED_BY(mutex_);
};

/// Ingests every *.json and *.psrd in a directory. A file that was ingested before (a crash may have come
/// before it was wiped) is wiped, one that is refused is renamed to *.refused, one that the operating system
/// or the store's disk failed for stays; `ingested` is called for each of the others.
void ingest_directory(PsrdIngestion& ingestion, const std::filesystem::path& directory,
                      const std::function<void(Ingested)>& ingested);

}  // namespace dske::kme
