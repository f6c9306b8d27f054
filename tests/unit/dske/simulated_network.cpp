#include "simulated_network.h"

#include <algorithm>
#include <stdexcept>

#include "base/log.h"
#include "memory_block.h"

namespace dske::test {

HubName hub_name(const std::string& text) {
  return *HubName::parse(text);
}
ClientName client_name(const std::string& text) {
  return *ClientName::parse(text);
}
SaeId sae_id(const std::string& text) {
  return *SaeId::parse(text);
}

BundleRequest bundle_request(const std::string& master, std::vector<std::string> slaves) {
  BundleRequest request;
  request.master = sae_id(master);
  for (const std::string& slave : slaves) request.slaves.push_back(sae_id(slave));
  request.key_count = 2;
  request.key_size_bytes = 16;
  return request;
}

SimulatedClient::SimulatedClient(SimulatedNetwork& network, const ClientName& name,
                                 std::vector<SaeId> sae_ids)
    : registrations(network.loop),
      bundles(network.loop),
      network_(network),
      surroundings_{name,
                    std::move(sae_ids),
                    network.loop,
                    network.clock,
                    network.transport,
                    registrations,
                    [] {},
                    [this](const BlockId& block) {
                      gone_blocks.push_back(block);
                      for (const auto& store : psrd_stores_) store->remove(block);
                    }} {
  for (std::size_t i = 0; i < network.hub_count(); ++i) {
    psrd_stores_.push_back(std::make_unique<SimulatedPsrdStore>(network.loop, Side::client));
  }
}

SimulatedClient::~SimulatedClient() {
  stop();
}

void SimulatedClient::start() {
  for (std::size_t i = 0; i < network_.hub_count(); ++i) {
    auto pool = LeasedPool::make(Side::client, *psrd_stores_[i]);
    for (PsrdBlock& block : psrd_stores_[i]->read()) pool->add_block(std::move(block), true);
    links_.push_back(HubLink::make(network_.hub(i).address(), std::move(pool), surroundings_));
  }
  directory_ =
      std::make_unique<SaeDirectory>(links_, network_.shares_required, network_.loop, network_.clock);
  initiator_ = std::make_unique<Initiator>(
      Initiator::Settings{name(), network_.shares_required, std::chrono::milliseconds(200),
                          network_.key_source},
      links_, *directory_, bundles, network_.loop, network_.clock, network_.randomness);
  responder_ = std::make_unique<Responder>(
      Responder::Settings{name(), network_.shares_required, std::chrono::milliseconds(5000),
                          std::chrono::hours(168)},
      links_, network_.loop, network_.clock);
}

void SimulatedClient::stop() {
  for (const auto& link : links_) link->close();
  network_.loop.drop_all();
  network_.transport.forget_exchanges();
  for (const auto& store : psrd_stores_) store->disk.lose_power();
  registrations.disk.lose_power();
  bundles.disk.lose_power();
  responder_.reset();
  initiator_.reset();
  directory_.reset();
  links_.clear();
}

void SimulatedClient::restart() {
  stop();
  start();
}

void SimulatedClient::register_everywhere() {
  for (const auto& link : links_) link->register_now();
}

SimulatedNetwork::SimulatedNetwork(std::uint32_t seed, std::size_t hubs, std::size_t required)
    : shares_required(required), randomness(seed), loop(clock, seed), transport(loop, record, seed) {
  log::set_level(log::Level::error);
  for (std::size_t i = 0; i < hubs; ++i) {
    hubs_.push_back(
        std::make_unique<SimulatedHub>(hub_name("hub" + std::to_string(i)), randomness, clock, record));
    transport.add(*hubs_.back());
  }
}

SimulatedNetwork::~SimulatedNetwork() {
  clients_.clear();
}

SimulatedClient& SimulatedNetwork::add_client(const std::string& name) {
  clients_.push_back(
      std::make_unique<SimulatedClient>(*this, client_name(name), std::vector<SaeId>{sae_id(name)}));
  SimulatedClient& client = *clients_.back();
  client.start();
  for (std::size_t i = 0; i < hubs_.size(); ++i) {
    hubs_[i]->bind(client.name(), sae_id(name));
    add_block(client, i, half_bytes);
  }
  return client;
}

BlockId SimulatedNetwork::add_block(SimulatedClient& client, std::size_t hub, std::uint64_t half_size,
                                    bool deliver) {
  const BlockId id = BlockId::random(randomness);
  const PsrdLayout layout = PsrdLayout::of_halves(half_size, half_size);
  const SecretBytes data = randomness.bytes(layout.total());
  record.add_block(id, layout);
  hubs_.at(hub)->add_block(client.name(), id, layout, data.view());
  if (deliver) {
    client.psrd(hub).add(id, layout, data.view());
    client.link(hub).pool().add_block(memory_block(id, layout, data.clone(), Side::client), true);
  }
  return id;
}

void SimulatedNetwork::register_all() {
  for (const auto& client : clients_) client->register_everywhere();
  const bool done = loop.run_until(
      [&] {
        return std::all_of(clients_.begin(), clients_.end(), [](const auto& client) {
          return std::all_of(client->links().begin(), client->links().end(),
                             [](const auto& link) { return link->registered(); });
        });
      },
      std::chrono::minutes(1));
  if (!done) throw std::runtime_error("a client could not register");
}

template <class R>
R SimulatedNetwork::wait_for(std::optional<R>& result) {
  if (!loop.run_until([&] { return result.has_value(); }, std::chrono::minutes(5))) {
    throw std::runtime_error("an answer never came");
  }
  return std::move(*result);
}

BundleResult SimulatedNetwork::establish(SimulatedClient& client, BundleRequest request) {
  std::optional<BundleResult> result;
  client.initiator().establish(std::move(request), [&](BundleResult bundle) { result = std::move(bundle); });
  return wait_for(result);
}

Result<FetchedBundle> SimulatedNetwork::fetch(SimulatedClient& client, const BundleName& bundle) {
  std::optional<Result<FetchedBundle>> result;
  client.responder().fetch(bundle, [&](Result<FetchedBundle> fetched) { result = std::move(fetched); });
  return wait_for(result);
}

Result<HubReply> SimulatedNetwork::call(SimulatedClient& client, std::size_t hub, const std::string& method,
                                        const std::string& path, std::string_view body) {
  std::optional<Result<HubReply>> result;
  client.link(hub).call(method, path, SecretBytes::copy_of(body),
                        [&](Result<HubReply> reply) { result = std::move(reply); });
  return wait_for(result);
}

Result<HubReply> SimulatedNetwork::poll(SimulatedClient& client, std::size_t hub) {
  std::optional<Result<HubReply>> result;
  client.link(hub).poll({}, [&](Result<HubReply> reply) { result = std::move(reply); });
  return wait_for(result);
}

Result<SaeLocation> SimulatedNetwork::locate(SimulatedClient& client, const SaeId& sae) {
  std::optional<Result<SaeLocation>> result;
  client.directory().locate(sae, [&](Result<SaeLocation> location) { result = std::move(location); });
  return wait_for(result);
}

}  // namespace dske::test
