#include "hub/registration.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "dske/registration_message.h"

namespace dske::hub {
namespace {

// Whether the client has seen more of the hub's half used than the hub knows of; if so, nothing more is sent
// from the block.
bool was_set_back(const Client& client, const BlockPositions& block) {
  LeasedPool& pool = client.pool();
  const bool beyond = std::any_of(kZones.begin(), kZones.end(),
                                  [&](Zone zone) { return block.seen[zone] > pool.next(block.block, zone); });
  if (!beyond) return false;
  // Beyond what the client has seen there may be bytes that were sent and never arrived: nobody knows which.
  pool.set_aside(block.block);
  log::error(
      "client {} has seen PSRD of block {} used beyond our own record: the store was set back; the block is "
      "dropped, have new PSRD made",
      client.name().text(), block.block.text());
  return true;
}

}  // namespace

struct Registration::Checked {
  RegistrationRequest message;
  SecretBytes polling_key;
  std::vector<BlockPositions> known;  // of the listed blocks
  std::vector<BlockId> unknown;
  std::vector<BlockId> dropped;
};

Registration::Registration(const HubId& hub, const HubConfig& config, const Epoch& epoch,
                           ClientRegistry& clients, store::HubStore& store)
    : hub_(hub),
      name_(config.name),
      limits_(config.limits),
      epoch_(epoch),
      clients_(clients),
      store_(store) {}

Result<Registration::Checked> Registration::check(const VerifiedRequest& request) const {
  auto message = RegistrationRequest::parse(request.body());
  if (!message) return message.error();
  const Client& client = *request.client();
  if (message->client != client.name()) {
    return Error{ErrorKind::forbidden, "client_name is not the client whose PSRD signed the message"};
  }
  if (message->number <= client.registration_number()) {
    return Error{ErrorKind::conflict, "registration_number has been used"};
  }
  if (allocation_size(message->polling_key) != kPollingKeyBytes)
    return invalid("polling_key must be 32 bytes");
  Checked checked;
  const auto held = client.pool().blocks();
  for (const BlockPositions& block : message->blocks) {
    const bool known = std::find(held.begin(), held.end(), block.block) != held.end();
    if (known && !was_set_back(client, block)) {
      checked.known.push_back(block);
      continue;
    }
    checked.unknown.push_back(block.block);
    if (known) checked.dropped.push_back(block.block);
  }
  auto polling_key = client.pool().take(Zone::authenticator, message->polling_key);
  if (!polling_key) return polling_key.error().within("polling_key");
  checked.polling_key = std::move(*polling_key);
  checked.message = std::move(*message);
  return checked;
}

void Registration::handle(VerifiedRequest request) {
  auto checked = check(request);
  if (!checked) return request.refuse(checked.error());
  const Client& client = *request.client();

  store::RegistrationRecord record;
  record.client = client.name();
  record.number = checked->message.number;
  for (const BlockPositions& block : checked->known) {
    record.listed.push_back(block.block);
    for (const Zone zone : kZones) record.floors.push_back({block.block, zone, block.own[zone]});
  }
  record.dropped = checked->dropped;
  // A block that the client held and does not list any more is spent or lost on its side.
  for (const BlockId& block : client.pool().listed_blocks()) {
    const auto is_in = [&](const std::vector<BlockId>& blocks) {
      return std::find(blocks.begin(), blocks.end(), block) != blocks.end();
    };
    if (!is_in(record.listed) && !is_in(record.dropped)) record.dropped.push_back(block);
  }
  checked->dropped = record.dropped;
  store_.register_client(std::move(record), [this, request = std::move(request),
                                             checked = std::move(*checked)](Result<void> result) mutable {
    if (!result) return request.refuse(result.error());
    accepted(std::move(request), std::move(checked));
  });
}

void Registration::accepted(VerifiedRequest request, Checked checked) {
  Client& client = *request.client();
  LeasedPool& pool = client.pool();
  for (const BlockId& block : checked.dropped) {
    log::info("PSRD block {} of client {} is dropped", block.text(), client.name().text());
    clients_.remove_block(block);
  }
  RegistrationAnswer answer;
  for (const BlockPositions& block : checked.known) {
    BlockPositions positions{block.block, {}, {}};
    for (const Zone zone : kZones) {
      pool.raise_floor(block.block, zone, block.own[zone]);
      positions.own[zone] = pool.next(block.block, zone);
      positions.seen[zone] = pool.highest_seen(block.block, zone);
    }
    answer.blocks.push_back(positions);
    pool.set_allocatable(block.block);
  }
  client.registered_as(checked.message.number, std::move(checked.polling_key));
  answer.hub_id = hub_;
  answer.hub_name = name_;
  answer.epoch = epoch_;
  for (const SaeId& sae : checked.message.sae_ids) {
    (client.serves(sae) ? answer.sae_ids : answer.refused_sae_ids).push_back(sae);
  }
  answer.limits = {limits_.share_bytes, limits_.lifetime_seconds, limits_.slaves};
  answer.unknown_blocks = checked.unknown;
  if (!checked.unknown.empty()) {
    log::warning(
        "client {} lists {} PSRD blocks that this hub does not know: revoked, or lost with an earlier store",
        client.name().text(), checked.unknown.size());
  }
  log::info("client {} registered (number {}, {} PSRD blocks)", client.name().text(), checked.message.number,
            checked.known.size());
  request.answer(200, answer.write());
}

void Registration::leave(VerifiedRequest request) {
  const std::string& query = request.request().query;
  if (query != "psrd=wipe" && query != "psrd=keep")
    return request.refuse(invalid("psrd must be wipe or keep"));
  const auto how = query == "psrd=wipe" ? store::Leaving::wipe_psrd : store::Leaving::keep_psrd;
  // The bytes that sign the answer are taken while there are some.
  VerifiedRequest::take_answer_key(std::move(request), [this, how](VerifiedRequest ready) {
    std::vector<BlockId> wiped;
    if (how == store::Leaving::wipe_psrd) wiped = ready.client()->pool().listed_blocks();
    const ClientName name = ready.client()->name();
    store_.leave(name, how,
                 [this, ready = std::move(ready), how,
                  wiped = std::move(wiped)](Result<std::vector<store::WaitingAmount>> gone) mutable {
                   if (!gone) return ready.refuse(gone.error());
                   for (const store::WaitingAmount& amount : *gone) {
                     if (const auto initiator = clients_.by_name(amount.initiator))
                       initiator->end_waiting(amount.bundles, amount.share_bytes);
                   }
                   left(std::move(ready), how, wiped);
                 });
  });
}

void Registration::left(VerifiedRequest request, store::Leaving how, const std::vector<BlockId>& wiped) {
  Client& client = *request.client();
  client.left();
  for (const BlockId& block : wiped) clients_.remove_block(block);
  for (const BlockId& block : client.pool().listed_blocks()) client.pool().set_aside(block);
  log::info("client {} has left{}", client.name().text(),
            how == store::Leaving::wipe_psrd ? "; its PSRD is wiped" : "; its PSRD is kept");
  json::Writer writer;
  writer.begin_object().name("left").boolean(true).end_object();
  request.answer(200, writer.take());
}

}  // namespace dske::hub
