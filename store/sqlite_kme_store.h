// KmeStore over SQLite.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "store/commit_queue.h"
#include "store/kme_store.h"

namespace dske::store {

/// A KME reads its store only at its start, so the writer's connection is the only one.
class SqliteKmeStore final : public KmeStore {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KmeStore>> open(const std::filesystem::path& state_dir,
                                                              const SecretBytes& node_key);
  /// Callbacks of what was submitted are called before it returns.
  ~SqliteKmeStore() override;

  Result<Contents> load() override;
  void extend_leases(std::vector<PsrdLease> leases, Leased done) override;
  void return_leases(std::vector<PsrdReturn> returns, Done done) override;
  void raise_floors(std::vector<PsrdFloor> floors, Done done) override;
  Result<std::unique_ptr<BlockWriter>> write_block(const BlockId& block, const PsrdLayout& layout) override;
  void knows_block(BlockId block, Answer<bool> done) override;
  void ingest_block(HubRecord hub, std::unique_ptr<BlockWriter> written, Answer<PsrdBlock> done) override;
  void drop_block(BlockId block, Answer<void> done) override;
  void forget_hub(HubId hub, Answer<void> done) override;
  void next_registration_number(HubId hub, Answer<std::uint64_t> done) override;
  void begin_bundle(PostedBundle bundle, Answer<void> done) override;
  void acknowledge_bundle(BundleId id, Answer<void> done) override;
  void forget_bundle(BundleId id, Answer<void> done) override;
  void hold_bundle(HeldBundle bundle, Answer<void> done) override;
  void record_deliveries(std::vector<Delivery> deliveries, Answer<void> done) override;
  void add_ready(ReadyBundle bundle, Answer<void> done) override;
  void lease_ready(std::vector<ReadyLease> leases, Answer<std::vector<ReadyLeased>> done) override;
  void return_ready(std::vector<ReadyReturn> returns, Answer<void> done) override;
  void drop_ready(std::vector<BundleId> bundles, Answer<void> done) override;
  void expire(Answer<std::vector<BundleName>> done) override;

 private:
  SqliteKmeStore(std::unique_ptr<BlockVault> vault, std::unique_ptr<Database> database,
                 std::unique_ptr<CommitQueue::Witness> witness, std::vector<BlockId> dropped);

  const SystemClock clock_;
  const std::unique_ptr<BlockVault> vault_;
  const std::vector<BlockId> dropped_after_set_back_;
  CommitQueue writes_;
};

}  // namespace dske::store
