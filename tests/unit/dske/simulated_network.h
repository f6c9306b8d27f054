// Hubs and clients that work with each other in virtual time, on one thread, without sockets or files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dske/initiator.h"
#include "dske/responder.h"
#include "fixed_randomness.h"
#include "simulated_hub.h"
#include "simulated_loop.h"
#include "simulated_stores.h"
#include "simulated_transport.h"
#include "wire_record.h"

namespace dske::test {

[[nodiscard]] HubName hub_name(const std::string& text);
[[nodiscard]] ClientName client_name(const std::string& text);
[[nodiscard]] SaeId sae_id(const std::string& text);

class SimulatedNetwork;

/// A client with its stores; restart() loses all but what these hold, and with it whatever is under way in
/// the network.
class SimulatedClient {
 public:
  SimulatedClient(SimulatedNetwork& network, const ClientName& name, std::vector<SaeId> sae_ids);
  ~SimulatedClient();
  SimulatedClient(const SimulatedClient&) = delete;
  SimulatedClient& operator=(const SimulatedClient&) = delete;

  [[nodiscard]] const ClientName& name() const { return surroundings_.name; }
  void register_everywhere();
  /// The process ends without warning and a new one begins: with its stores, and registered nowhere yet.
  void restart();

  [[nodiscard]] const std::vector<std::shared_ptr<HubLink>>& links() const { return links_; }
  [[nodiscard]] HubLink& link(std::size_t hub) { return *links_.at(hub); }
  [[nodiscard]] SimulatedPsrdStore& psrd(std::size_t hub) { return *psrd_stores_.at(hub); }
  [[nodiscard]] SaeDirectory& directory() { return *directory_; }
  [[nodiscard]] Initiator& initiator() { return *initiator_; }
  [[nodiscard]] Responder& responder() { return *responder_; }

  SimulatedRegistrationStore registrations;
  SimulatedInitiatorStore bundles;
  std::vector<BlockId> gone_blocks;  ///< that hubs said not to know

 private:
  friend class SimulatedNetwork;
  void start();
  void stop();

  SimulatedNetwork& network_;
  ClientSurroundings surroundings_;
  std::vector<std::unique_ptr<SimulatedPsrdStore>> psrd_stores_;
  std::vector<std::shared_ptr<HubLink>> links_;
  std::unique_ptr<SaeDirectory> directory_;
  std::unique_ptr<Initiator> initiator_;
  std::unique_ptr<Responder> responder_;
};

/// `hubs` hubs, of which any `shares_required` carry a bundle, and clients as they are added. Hub i is named
/// "hub<i>", from 0.
class SimulatedNetwork {
 public:
  SimulatedNetwork(std::uint32_t seed, std::size_t hubs, std::size_t shares_required);
  ~SimulatedNetwork();
  SimulatedNetwork(const SimulatedNetwork&) = delete;
  SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;

  /// A client that every hub knows, with one PSRD block for each hub and the SAE of its name.
  SimulatedClient& add_client(const std::string& name);
  /// Another block of `half_bytes` for either side; the client ingests it unless `deliver` is false.
  BlockId add_block(SimulatedClient& client, std::size_t hub, std::uint64_t half_bytes, bool deliver = true);

  /// Registers all clients with all hubs and waits until that is done.
  void register_all();

  [[nodiscard]] BundleResult establish(SimulatedClient& client, BundleRequest request);
  [[nodiscard]] Result<FetchedBundle> fetch(SimulatedClient& client, const BundleName& bundle);
  [[nodiscard]] Result<HubReply> call(SimulatedClient& client, std::size_t hub, const std::string& method,
                                      const std::string& path, std::string_view body = "");
  [[nodiscard]] Result<HubReply> poll(SimulatedClient& client, std::size_t hub);
  [[nodiscard]] Result<SaeLocation> locate(SimulatedClient& client, const SaeId& sae);

  [[nodiscard]] SimulatedHub& hub(std::size_t i) { return *hubs_.at(i); }
  [[nodiscard]] std::size_t hub_count() const { return hubs_.size(); }
  [[nodiscard]] Weather& weather(std::size_t hub) { return transport.weather(hubs_.at(hub)->id()); }

  std::size_t shares_required;
  std::uint64_t half_bytes = 8192;              ///< of the blocks that new clients get
  KeySource key_source = KeySource::generator;  ///< of clients that are added or restarted
  ReproducibleRandomness randomness;
  SimulatedClock clock;
  SimulatedLoop loop;
  WireRecord record;
  SimulatedTransport transport;

 private:
  template <class R>
  [[nodiscard]] R wait_for(std::optional<R>& result);

  std::vector<std::unique_ptr<SimulatedHub>> hubs_;
  std::vector<std::unique_ptr<SimulatedClient>> clients_;
};

/// A request for two keys of 16 bytes.
[[nodiscard]] BundleRequest bundle_request(const std::string& master, std::vector<std::string> slaves);

}  // namespace dske::test
