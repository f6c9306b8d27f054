#include "hub/client_registry.h"

#include <algorithm>
#include <utility>

namespace dske::hub {

Client::Client(ClientName name, ClientId id, std::shared_ptr<LeasedPool> pool,
               std::uint64_t registration_number)
    : name_(std::move(name)), id_(id), pool_(std::move(pool)), registration_number_(registration_number) {}

void Client::set_sae_ids(std::set<SaeId> sae_ids) {
  const MutexLock lock(mutex_);
  sae_ids_ = std::move(sae_ids);
}

std::set<SaeId> Client::sae_ids() const {
  const MutexLock lock(mutex_);
  return sae_ids_;
}

bool Client::serves(const SaeId& sae) const {
  const MutexLock lock(mutex_);
  return sae_ids_.contains(sae);
}

std::uint64_t Client::registration_number() const {
  const MutexLock lock(mutex_);
  return registration_number_;
}

void Client::registered_as(std::uint64_t number, SecretBytes polling_key) {
  const MutexLock lock(mutex_);
  if (number <= registration_number_) return;
  registration_number_ = number;
  polling_key_ = std::move(polling_key);
  polling_counter_ = 0;
}

bool Client::accept_poll(std::uint64_t registration, std::uint64_t counter,
                         const std::function<bool(ByteView key)>& check) {
  const MutexLock lock(mutex_);
  if (polling_key_.empty() || registration != registration_number_ || counter <= polling_counter_)
    return false;
  if (!check(polling_key_.view())) return false;
  polling_counter_ = counter;
  return true;
}

void Client::with_polling_key(const std::function<void(ByteView key)>& use) const {
  const MutexLock lock(mutex_);
  if (!polling_key_.empty()) use(polling_key_.view());
}

bool Client::begin_waiting(std::uint64_t share_bytes, std::uint64_t bundles_most, std::uint64_t bytes_most) {
  const MutexLock lock(mutex_);
  if (waiting_bundles_ >= bundles_most || waiting_bytes_ + share_bytes > bytes_most) return false;
  ++waiting_bundles_;
  waiting_bytes_ += share_bytes;
  return true;
}

void Client::add_waiting(std::uint64_t bundles, std::uint64_t share_bytes) {
  const MutexLock lock(mutex_);
  waiting_bundles_ += bundles;
  waiting_bytes_ += share_bytes;
}

void Client::end_waiting(std::uint64_t bundles, std::uint64_t share_bytes) {
  const MutexLock lock(mutex_);
  waiting_bundles_ -= std::min(bundles, waiting_bundles_);
  waiting_bytes_ -= std::min(share_bytes, waiting_bytes_);
}

std::uint64_t Client::waiting_bundles() const {
  const MutexLock lock(mutex_);
  return waiting_bundles_;
}

void ClientRegistry::load(store::HubStore::Contents contents) {
  for (const store::ClientRecord& record : contents.clients) put(record);
  for (store::ClientBlock& block : contents.blocks) {
    if (const auto client = by_name(block.client)) add_block(client, std::move(block.block), block.listed);
  }
  for (const store::WaitingAmount& amount : contents.waiting) {
    if (const auto client = by_name(amount.initiator))
      client->add_waiting(amount.bundles, amount.share_bytes);
  }
}

std::shared_ptr<Client> ClientRegistry::put(const store::ClientRecord& record) {
  const MutexLock lock(mutex_);
  auto& client = clients_[record.name];
  if (!client) {
    client = std::make_shared<Client>(record.name, record.id, LeasedPool::make(Side::hub, store_),
                                      record.registration_number);
  }
  std::erase_if(saes_, [&](const auto& entry) { return entry.second == client; });
  for (const SaeId& sae : record.sae_ids) saes_[sae] = client;
  client->set_sae_ids({record.sae_ids.begin(), record.sae_ids.end()});
  return client;
}

void ClientRegistry::add_block(const std::shared_ptr<Client>& client, PsrdBlock block, bool listed) {
  {
    const MutexLock lock(mutex_);
    blocks_[block.id] = client;
  }
  client->pool().add_block(std::move(block), listed);
}

void ClientRegistry::remove_block(const BlockId& block) {
  std::shared_ptr<Client> client;
  {
    const MutexLock lock(mutex_);
    const auto found = blocks_.find(block);
    if (found == blocks_.end()) return;
    client = found->second;
    blocks_.erase(found);
  }
  client->pool().remove_block(block);
}

std::shared_ptr<Client> ClientRegistry::by_name(const ClientName& name) const {
  const MutexLock lock(mutex_);
  const auto found = clients_.find(name);
  return found == clients_.end() ? nullptr : found->second;
}

std::shared_ptr<Client> ClientRegistry::by_sae(const SaeId& sae) const {
  const MutexLock lock(mutex_);
  const auto found = saes_.find(sae);
  return found == saes_.end() ? nullptr : found->second;
}

std::shared_ptr<Client> ClientRegistry::by_block(const BlockId& block) const {
  const MutexLock lock(mutex_);
  const auto found = blocks_.find(block);
  return found == blocks_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Client>> ClientRegistry::all() const {
  const MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Client>> all;
  for (const auto& [name, client] : clients_) all.push_back(client);
  return all;
}

}  // namespace dske::hub
