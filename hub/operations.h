// What a hub's operator does: clients, and PSRD for them. The same whether the daemon runs or not.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "hub/client_registry.h"
#include "hub/hub_config.h"
#include "hub/psrd_randomness.h"
#include "psrdfile/psrd_file_writer.h"
#include "store/hub_store.h"

namespace dske::hub {

/// Thread-safe; callbacks run on a thread of the store. The references must outlive it and its callbacks.
class Operations {
 public:
  Operations(const HubId& hub, const HubConfig& config, ClientRegistry& clients, store::HubStore& store,
             Randomness& randomness, PsrdRandomness& psrd_randomness);

  /// Makes the client if there is none and binds the SAE IDs. ErrorKind::conflict if one is bound to another
  /// client.
  void put_client(ClientName name, std::vector<SaeId> sae_ids,
                  UniqueFunction<void(Result<std::shared_ptr<Client>>)> done);

  /// A block that was made, and its file.
  struct Assigned {
    BlockId block;
    std::filesystem::path file;
  };
  /// Makes a block of these halves and writes its file to STATE_DIR/psrd-out/CLIENT/BLOCK_UUID.json, or .psrd
  /// if it is large. Waits for the disk.
  [[nodiscard]] Result<Assigned> assign_psrd(const ClientName& name_or_id, const PsrdHalf& client_half,
                                             const PsrdHalf& hub_half);

 private:
  /// Makes random bytes and writes them to both sinks, to the block's end.
  [[nodiscard]] Result<void> fill(std::uint64_t bytes, ByteSink& block, ByteSink& file);

  HubId hub_;
  const HubConfig& config_;
  ClientRegistry& clients_;
  store::HubStore& store_;
  Randomness& randomness_;
  PsrdRandomness& psrd_randomness_;
};

}  // namespace dske::hub
