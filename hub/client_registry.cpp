#include "hub/client_registry.h"

#include <algorithm>
#include <utility>

namespace dske::hub {

Client::Client(ClientName name, ClientId id, std::shared_ptr<LeasedPool> pool,
               std::uint64_t registration_number, bool registered)
    : name_(std::move(name)),
      id_(id),
      pool_(std::move(pool)),
      registration_number_(registration_number),
      registered_(registered) {}

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

bool Client::enabled() const {
  const MutexLock lock(mutex_);
  return enabled_;
}

void Client::set_enabled(bool enabled) {
  const MutexLock lock(mutex_);
  enabled_ = enabled;
}

void Client::add_revoked(const BlockId& block) {
  const MutexLock lock(mutex_);
  revoked_blocks_.insert(block);
}

std::set<BlockId> Client::revoked_blocks() const {
  const MutexLock lock(mutex_);
  return revoked_blocks_;
}

bool Client::registered() const {
  const MutexLock lock(mutex_);
  return registered_;
}

void Client::left() {
  const MutexLock lock(mutex_);
  registered_ = false;
  polling_key_ = {};
  polling_counter_ = 0;
}

std::uint64_t Client::registration_number() const {
  const MutexLock lock(mutex_);
  return registration_number_;
}

void Client::registered_as(std::uint64_t number, SecretBytes polling_key) {
  const MutexLock lock(mutex_);
  if (number <= registration_number_) return;
  registration_number_ = number;
  registered_ = true;
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
  for (const store::RevokedBlock& block : contents.revoked_blocks) {
    if (const auto client = by_name(block.client)) client->add_revoked(block.id);
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
                                      record.registration_number, record.registered);
  }
  for (const SaeId& sae : client->sae_ids()) {
    const auto bound = saes_.find(sae);
    if (bound != saes_.end() && bound->second == client) saes_.erase(bound);
  }
  for (const SaeId& sae : record.sae_ids) saes_[sae] = client;
  client->set_sae_ids({record.sae_ids.begin(), record.sae_ids.end()});
  client->set_enabled(record.enabled);
  return client;
}

void ClientRegistry::remove(const ClientName& name) {
  std::shared_ptr<Client> client;
  {
    const MutexLock lock(mutex_);
    const auto found = clients_.find(name);
    if (found == clients_.end()) return;
    client = found->second;
    clients_.erase(found);
    std::erase_if(saes_, [&](const auto& entry) { return entry.second == client; });
    std::erase_if(blocks_, [&](const auto& entry) { return entry.second == client; });
  }
  for (const BlockId& block : client->pool().blocks()) client->pool().remove_block(block);
}

bool ClientRegistry::add_block(const std::shared_ptr<Client>& client, PsrdBlock block, bool listed) {
  const BlockId id = block.id;
  {
    const MutexLock lock(mutex_);
    const auto found = clients_.find(client->name());
    if (found == clients_.end() || found->second != client) return false;
    blocks_[id] = client;
  }
  client->pool().add_block(std::move(block), listed);
  // It may have been removed in between, and then did not know of this block.
  if (by_block(id) != client) client->pool().remove_block(id);
  return true;
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

std::shared_ptr<Client> ClientRegistry::by_name_or_id(const ClientName& name) const {
  if (auto named = by_name(name)) return named;
  const auto id = ClientId::parse(name.text());
  if (!id) return nullptr;
  const MutexLock lock(mutex_);
  const auto found = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const auto& entry) { return entry.second->id() == *id; });
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
