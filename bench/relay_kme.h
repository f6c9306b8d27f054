// The DSKE half of a KME, as dske-kme has it, in the benchmark's process: a real store on disk, links to hubs
// over HTTP, initiator and responder. No SAE side.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "dske/initiator.h"
#include "dske/responder.h"
#include "dske/sae_directory.h"
#include "http/client.h"
#include "kme/http_hub_transport.h"
#include "kme/hub_links.h"
#include "kme/hub_roster.h"
#include "kme/loop_store.h"

namespace dske::bench {

class RelayKme {
 public:
  struct Hub {
    std::string name;
    std::filesystem::path psrd_file;
  };

  /// Makes a KME's store in `directory`, ingests the hubs' PSRD, and registers with all of them.
  [[nodiscard]] static Result<std::unique_ptr<RelayKme>> start(const std::filesystem::path& directory,
                                                               const std::string& name,
                                                               const std::vector<Hub>& hubs,
                                                               std::size_t shares_required);
  ~RelayKme();
  RelayKme(const RelayKme&) = delete;
  RelayKme& operator=(const RelayKme&) = delete;

  /// From any thread; `done` runs on this KME's loop.
  void establish(BundleRequest request, Initiator::Done done);
  /// Fetches a bundle, makes it durable, and answers it; confirms it to the hubs together with others of the
  /// next moment.
  void receive(const BundleName& bundle, UniqueFunction<void(Result<FetchedBundle>)> done);

 private:
  RelayKme(kme::KmeConfig config, std::unique_ptr<store::KmeStore> store);
  [[nodiscard]] Result<void> ingest(const std::vector<Hub>& hubs);
  [[nodiscard]] Result<void> begin();
  void confirm_later(const BundleContext& bundle);

  const kme::KmeConfig config_;
  const kme::HubRoster roster_;
  SystemClock clock_;
  SystemRandomness randomness_;
  std::unique_ptr<store::KmeStore> durable_;
  std::unique_ptr<http::ClientLoop> loop_;
  kme::HttpHubTransport transport_;
  kme::LoopStore store_;
  kme::HubLinks links_;
  SaeDirectory directory_;
  Initiator initiator_;
  Responder responder_;
  std::vector<BundleContext> confirming_;
};

}  // namespace dske::bench
