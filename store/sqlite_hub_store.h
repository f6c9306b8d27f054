// HubStore over SQLite.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "store/commit_queue.h"
#include "store/hub_store.h"
#include "store/read_queue.h"

namespace dske::store {

class SqliteHubStore final : public HubStore {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HubStore>> open(const std::filesystem::path& state_dir,
                                                              const SecretBytes& node_key);
  /// Callbacks of what was submitted are called before it returns; what they submit to the reader or writer
  /// after that thread has finished is answered with ErrorKind::unavailable.
  ~SqliteHubStore() override;

  Result<Contents> load() override;
  void extend_leases(std::vector<PsrdLease> leases, Leased done) override;
  void return_leases(std::vector<PsrdReturn> returns, Done done) override;
  void raise_floors(std::vector<PsrdFloor> floors, Done done) override;
  void put_client(ClientName name, ClientId new_id, std::vector<SaeId> sae_ids,
                  Answer<ClientRecord> done) override;
  void change_saes(ClientName name, std::vector<SaeId> bind, std::vector<SaeId> unbind,
                   Answer<ClientRecord> done) override;
  void set_client_enabled(ClientName name, bool enabled, Answer<ClientRecord> done) override;
  void remove_client(ClientName name, Answer<std::vector<WaitingAmount>> done) override;
  void revoke_blocks(std::vector<BlockId> blocks, Answer<std::vector<RevokedBlock>> done) override;
  void revoke_all_blocks(ClientName client, Answer<std::vector<RevokedBlock>> done) override;
  Result<std::unique_ptr<BlockWriter>> write_block(const BlockId& block, const PsrdLayout& layout) override;
  void add_block(ClientName client, std::unique_ptr<BlockWriter> written, Answer<PsrdBlock> done) override;
  void register_client(RegistrationRecord registration, Answer<void> done) override;
  void leave(ClientName client, Leaving how, Answer<std::vector<WaitingAmount>> done) override;
  void add_share(ShareRecord share, std::vector<ClientName> claimants, Answer<void> done) override;
  void load_share(BundleName bundle, ClientName claimant, Answer<ShareRecord> done) override;
  void withdraw_share(BundleName bundle, Answer<std::uint64_t> done) override;
  void confirm(ClientName claimant, std::vector<BundleName> bundles,
               Answer<std::vector<WaitingAmount>> done) override;
  void pending(ClientName claimant, std::uint64_t cursor, std::size_t most,
               Answer<PendingShares> done) override;
  void expire(Answer<std::vector<WaitingAmount>> done) override;

 private:
  SqliteHubStore(std::unique_ptr<BlockVault> vault, std::unique_ptr<Database> writing,
                 std::unique_ptr<CommitQueue::Witness> witness, std::unique_ptr<Database> reading,
                 std::vector<BlockId> dropped);

  const SystemClock clock_;
  const std::unique_ptr<BlockVault> vault_;
  const std::vector<BlockId> dropped_after_set_back_;
  CommitQueue writes_;
  ReadQueue reads_;  // closed before the writer, which then empties the WAL
};

}  // namespace dske::store
