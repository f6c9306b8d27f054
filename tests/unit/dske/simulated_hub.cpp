#include "simulated_hub.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/percent_encoding.h"
#include "dske/one_time_pad.h"
#include "dske/pending_list.h"
#include "dske/polling_authentication.h"

namespace dske::test {
namespace {

SecretBytes message_body(std::string_view message) {
  json::Writer writer;
  writer.begin_object().name("message").string(message).end_object();
  return writer.take();
}

SecretBytes flag_body(std::string_view name) {
  json::Writer writer;
  writer.begin_object().name(name).boolean(true).end_object();
  return writer.take();
}

std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=') {
      return std::string(pair.substr(name.size() + 1));
    }
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return {};
}

void write_bundle(json::Writer& writer, const BundleName& bundle) {
  writer.begin_object();
  writer.name("initiator").string(bundle.initiator.text());
  writer.name("bundle_id").string(bundle.id.text());
  writer.end_object();
}

}  // namespace

SimulatedHub::Durable SimulatedHub::Durable::copy() const {
  Durable made;
  made.shares = shares;
  made.last_share = last_share;
  for (const auto& [name, client] : clients) {
    Client& copied = made.clients[name];
    copied.sae_ids = client.sae_ids;
    copied.registration_number = client.registration_number;
    copied.listed = client.listed;
    copied.left = client.left;
    for (const auto& [id, block] : client.blocks) copied.blocks.emplace(id, block);
  }
  return made;
}

SimulatedHub::SimulatedHub(const HubName& name, Randomness& randomness, const Clock& clock,
                           WireRecord& record)
    : address_{HubId::random(randomness), name, "http://192.0.2.1:8100"},
      randomness_(randomness),
      clock_(clock),
      record_(record) {
  start();
}

void SimulatedHub::start() {
  epoch_ = Epoch::random(randomness_);
  running_.clear();
  for (const auto& [name, client] : durable_.clients) {
    Running& running = running_[name];
    running.pool = std::make_unique<PsrdPool>(Side::hub);
    for (const auto& [id, block] : client.blocks) {
      running.pool->add_block(block.read(), client.listed.contains(id));
    }
  }
}

void SimulatedHub::restart() {
  for (const auto& [name, running] : running_) settle_floors(name);
  start();
}

void SimulatedHub::lose_store(bool new_id) {
  for (auto& [name, client] : durable_.clients) {
    client.registration_number = 0;
    client.blocks.clear();
    client.listed.clear();
  }
  durable_.shares.clear();
  if (new_id) address_.id = HubId::random(randomness_);
  start();
}

void SimulatedHub::revoke(const ClientName& client, const BlockId& block) {
  running_.at(client).pool->remove_block(block);
  durable_.clients.at(client).blocks.erase(block);
  durable_.clients.at(client).listed.erase(block);
}

void SimulatedHub::keep_copy() {
  copy_ = durable_.copy();
}

void SimulatedHub::set_back() {
  durable_ = copy_->copy();
  start();
}

void SimulatedHub::bind(const ClientName& client, const SaeId& sae) {
  durable_.clients[client].sae_ids.insert(sae);
  if (!running_[client].pool) running_[client].pool = std::make_unique<PsrdPool>(Side::hub);
}

void SimulatedHub::add_block(const ClientName& client, const BlockId& block, const PsrdLayout& layout,
                             ByteView data) {
  const SimulatedBlock fresh(block, layout, data, Side::hub);
  running_.at(client).pool->add_block(fresh.read(), false);
  durable_.clients.at(client).blocks.emplace(block, fresh);
}

std::optional<HubAnswer> SimulatedHub::handle(const HubRequest& request) {
  if (lie == Lie::silent) return std::nullopt;
  const HubAnswer unverified{401, {}, {}, message_body("does not verify")};
  const std::string prefix = "/hub/" + address_.name.text() + "/dske/api/v1";
  std::optional<HubAnswer> answer;
  if (lie != Lie::unsigned_refusals && request.target.starts_with(prefix)) {
    const std::string_view path = std::string_view(request.target).substr(prefix.size());
    answer = request.signature_header == kPollingHeader ? handle_poll(request) : handle_signed(request, path);
  }
  if (!answer) {
    ++refused;
    return HubAnswer{401, {}, {}, message_body("does not verify")};
  }
  // A hub that replays bodies names pads twice; that is its lie, not a fault of the protocol.
  if (lie != Lie::replayed_body) record_.answer(id(), request, *answer);
  return answer;
}

std::optional<ClientName> SimulatedHub::sender(const Allocation& key) const {
  for (const auto& [name, running] : running_) {
    const PsrdPool& pool = *running.pool;
    const bool all = std::all_of(key.begin(), key.end(),
                                 [&](const Fragment& fragment) { return pool.has_block(fragment.block); });
    if (all) return name;
  }
  return std::nullopt;
}

std::optional<HubAnswer> SimulatedHub::handle_signed(const HubRequest& request, std::string_view path) {
  const auto signature = Signature::parse(request.signature);
  if (!signature) return std::nullopt;
  const auto caller = sender(signature->key);
  if (!caller) return std::nullopt;
  PsrdPool& pool = *running_.at(*caller).pool;
  const auto key = pool.peek(Zone::authenticator, signature->key);
  if (!key) return std::nullopt;
  const RequestParts parts{id(), path == "/registration" ? Epoch() : epoch_, request.method, request.target,
                           request.body.view()};
  const MacTag tag = request_tag(key->view(), parts);
  if (!constant_time_equal(tag, signature->tag)) return std::nullopt;
  if (!pool.take(Zone::authenticator, signature->key)) return std::nullopt;
  ++calls[request.method + ' ' + std::string(path.substr(0, path.find('?')))];

  // What signs the answer to a client that leaves is taken before its blocks go.
  auto answer_key = request.method == "DELETE" && path.starts_with("/registration?")
                        ? allocate(*caller, Zone::authenticator, kOneTimeMacKeySize)
                        : Result<Reserved>(Error{ErrorKind::exhausted, ""});
  Plain plain = route(*caller, request, path);
  settle_floors(*caller);
  if (!answer_key) answer_key = allocate(*caller, Zone::authenticator, kOneTimeMacKeySize);
  for (const auto& [client, block] : std::exchange(leaving_, {})) revoke(client, block);
  if (!answer_key) return HubAnswer{503, {}, {}, message_body("no PSRD")};
  const MacTag answered = answer_tag(answer_key->bytes.view(), parts, {tag, plain.status, plain.body.view()});
  return HubAnswer{
      plain.status, Signature{answer_key->allocation, answered}.text(), {}, std::move(plain.body)};
}

SimulatedHub::Plain SimulatedHub::route(const ClientName& caller, const HubRequest& request,
                                        std::string_view path) {
  if (lie == Lie::fails) return {500, message_body("out of order")};
  const auto question = path.find('?');
  const std::string_view place = path.substr(0, question);
  const std::string_view query = question == std::string_view::npos ? "" : path.substr(question + 1);
  const std::string_view body = request.body.text();
  if (request.method == "PUT" && place == "/registration") return registration(caller, body);
  if (request.method == "DELETE" && place == "/registration") return leave(caller, query);
  if (request.method == "GET" && place.starts_with("/sae/")) {
    const auto text = percent_decode(place.substr(5));
    const auto named = text ? SaeId::parse(*text) : Result<SaeId>(invalid("no SAE ID"));
    return named ? sae(*named) : Plain{400, message_body("no SAE ID")};
  }
  if (request.method == "POST" && place == "/key-share") return post_share(caller, body);
  if (request.method == "GET" && place == "/key-share") return get_share(caller, query);
  if (request.method == "DELETE" && place == "/key-share") return withdraw(caller, query);
  if (request.method == "POST" && place == "/key-share/confirmation") return confirm(caller, body);
  return {404, message_body("no such call")};
}

SimulatedHub::Plain SimulatedHub::registration(const ClientName& caller, std::string_view body) {
  const auto request = RegistrationRequest::parse(body);
  if (!request) return {400, message_body(request.error().message)};
  if (request->client != caller) return {403, message_body("another client's name")};
  Client& client = durable_.clients.at(caller);
  Running& running = running_.at(caller);
  if (request->number <= client.registration_number) return {409, message_body("an old registration")};
  auto polling_key = running.pool->take(Zone::authenticator, request->polling_key);
  if (!polling_key) return {400, message_body("the polling key was used")};
  client.registration_number = request->number;
  client.left = false;
  running.polling_key = std::move(*polling_key);
  running.polling_counter = 0;

  for (const BlockId& block : std::set<BlockId>(client.listed)) {
    const bool listed = std::any_of(request->blocks.begin(), request->blocks.end(),
                                    [&](const BlockPositions& each) { return each.block == block; });
    if (!listed) revoke(caller, block);
  }
  RegistrationAnswer answer;
  answer.hub_id = id();
  answer.hub_name = address_.name;
  answer.epoch = epoch_;
  answer.limits = {1048608, 604800, 64};
  if (lie == Lie::tiny_limits) answer.limits = {1, 1, 1};
  for (const SaeId& named : request->sae_ids) {
    (client.sae_ids.contains(named) ? answer.sae_ids : answer.refused_sae_ids).push_back(named);
  }
  for (const BlockPositions& block : request->blocks) {
    if (!running.pool->has_block(block.block)) {
      answer.unknown_blocks.push_back(block.block);
      continue;
    }
    client.listed.insert(block.block);
    running.pool->set_allocatable(block.block);
    BlockPositions positions{block.block, {}, {}};
    for (const Zone zone : kZones) {
      running.pool->raise_floor(block.block, zone, block.own[zone]);
      static_cast<void>(running.pool->skip_used(block.block, zone, block.seen[zone]));
      positions.own[zone] = running.pool->next(block.block, zone);
      positions.seen[zone] = running.pool->highest_seen(block.block, zone);
      if (claims_seen == block.block) positions.seen[zone] = client.blocks.at(block.block).end(zone);
    }
    answer.blocks.push_back(positions);
  }
  return {200, answer.write()};
}

SimulatedHub::Plain SimulatedHub::leave(const ClientName& caller, std::string_view query) {
  const std::string how = parameter(query, "psrd");
  if (how != "wipe" && how != "keep") return {400, message_body("wipe or keep")};
  Client& client = durable_.clients.at(caller);
  client.left = true;
  running_.at(caller).polling_key = {};
  for (const BlockId& block : client.listed) {
    running_.at(caller).pool->set_aside(block);
    if (how == "wipe") leaving_.emplace_back(caller, block);
  }
  client.listed.clear();
  return {200, flag_body("left")};
}

std::optional<ClientName> SimulatedHub::client_of(const SaeId& sae) const {
  for (const auto& [name, client] : durable_.clients) {
    if (client.sae_ids.contains(sae)) return name;
  }
  return std::nullopt;
}

SimulatedHub::Plain SimulatedHub::sae(const SaeId& sae) const {
  auto client = client_of(sae);
  const bool registered =
      lie == Lie::claims_saes ||
      (client && durable_.clients.at(*client).registration_number > 0 && !durable_.clients.at(*client).left);
  if (lie == Lie::claims_saes) client = claimed_client;
  if (!client) return {404, message_body("no such SAE")};
  json::Writer writer;
  writer.begin_object();
  writer.name("sae_id").string(sae.text());
  writer.name("client_name").string(client->text());
  writer.name("registered").boolean(registered);
  writer.end_object();
  return {200, writer.take()};
}

SimulatedHub::Plain SimulatedHub::post_share(const ClientName& caller, std::string_view body) {
  auto message = KeyShareMessage::parse(body);
  if (!message) return {400, message_body(message.error().message)};
  const BundleContext& context = message->context;
  if (context.initiator != caller || client_of(context.master) != caller) {
    return {403, message_body("another client's bundle")};
  }
  if (!context.x_of(id())) return {403, message_body("a bundle of other hubs")};
  bool served = false;
  for (const Slave& slave : context.slaves) {
    const auto client = client_of(slave.sae_id);
    if (client && *client != slave.client) return {403, message_body("an SAE of another client")};
    served = served || client;
  }
  if (!served) return {403, message_body("no slave is served here")};
  if (lie == Lie::refuses_shares) return {503, message_body("full")};
  if (durable_.shares.contains(context.name())) return {409, message_body("is there already")};
  auto pad = running_.at(caller).pool->take(Zone::pad, message->allocation);
  if (!pad) return {400, message_body("the pad was used")};
  if (message->source == ShareSource::psrd) {
    ++shares_from_psrd;
    message->encrypted_share = pad->clone();
  } else {
    apply_pad(message->encrypted_share.span(), pad->view());
  }
  const ByteView share = message->encrypted_share.view();
  Share kept{
      context, message->secret_tag, Bytes(share.begin(), share.end()), clock_.now() + message->lifetime, {}};
  for (const Slave& slave : context.slaves) kept.claimants.insert(slave.client);
  kept.number = ++durable_.last_share;
  durable_.shares.emplace(context.name(), std::move(kept));
  return {200, flag_body("stored")};
}

SimulatedHub::Plain SimulatedHub::get_share(const ClientName& caller, std::string_view query) {
  const auto initiator = ClientName::parse(parameter(query, "initiator"));
  const auto bundle = BundleId::parse(parameter(query, "key_id"));
  if (!initiator || !bundle) return {400, message_body("no such parameters")};
  const auto found = durable_.shares.find({*initiator, *bundle});
  if (lie == Lie::denies || found == durable_.shares.end() || !found->second.claimants.contains(caller) ||
      found->second.expires <= clock_.now()) {
    return {404, message_body("no such bundle")};
  }
  const Share& share = found->second;
  KeyShareMessage message;
  message.context = share.context;
  message.secret_tag = share.tag;
  message.lifetime = std::chrono::duration_cast<std::chrono::seconds>(share.expires - clock_.now());
  message.encrypted_share = SecretBytes::copy_of(ByteView(share.bytes));
  lie_about(message);
  auto pad = allocate(caller, Zone::pad, message.encrypted_share.size());
  if (!pad) return {503, message_body("no PSRD")};
  apply_pad(message.encrypted_share.span(), pad->bytes.view());
  message.allocation = pad->allocation;
  if (message.source == ShareSource::psrd) message.encrypted_share = {};
  if (lie == Lie::wrong_share_size) message.encrypted_share.push_back(0);
  SecretBytes body = message.write();
  if (lie == Lie::no_json) body = SecretBytes::copy_of("{\"context\":");
  if (!first_body_) first_body_ = std::string(body.text());
  if (lie == Lie::replayed_body) body = SecretBytes::copy_of(*first_body_);
  return {200, std::move(body)};
}

void SimulatedHub::lie_about(KeyShareMessage& message) {
  BundleContext& context = message.context;
  switch (lie) {
    case Lie::corrupt_share:
      message.encrypted_share.span()[message.encrypted_share.size() / 2] ^= 1;
      break;
    case Lie::corrupt_secret_tag:
      message.secret_tag[3] ^= 0x40;
      break;
    case Lie::other_hub_order:
      std::rotate(context.hubs.begin(), context.hubs.begin() + 1, context.hubs.end());
      break;
    case Lie::other_k:
      context.shares_required = static_cast<std::uint8_t>(context.shares_required == 2 ? 3 : 2);
      if (context.shares_required > context.hubs.size()) context.hubs.push_back(HubId::random(randomness_));
      break;
    case Lie::other_slave:
      context.slaves.push_back({*SaeId::parse("mallory's"), context.slaves[0].client});
      break;
    case Lie::more_keys:
      ++context.key_count;
      message.encrypted_share.resize(context.share_bytes());
      break;
    case Lie::other_bundle:
      for (const auto& [name, other] : durable_.shares) {
        if (name.id == context.id) continue;
        context = other.context;
        message.secret_tag = other.tag;
        message.encrypted_share = SecretBytes::copy_of(ByteView(other.bytes));
        return;
      }
      context.id = BundleId::random(randomness_);
      break;
    case Lie::psrd_for_a_share:
      message.source = ShareSource::psrd;
      break;
    case Lie::short_lifetime:
      message.lifetime = std::chrono::seconds(1);
      break;
    case Lie::long_lifetime:
      message.lifetime = KeyShareMessage::kLifetimeMost;
      break;
    default:
      break;
  }
}

SimulatedHub::Plain SimulatedHub::withdraw(const ClientName& caller, std::string_view query) {
  const auto bundle = BundleId::parse(parameter(query, "key_id"));
  if (!bundle) return {400, message_body("no such parameter")};
  durable_.shares.erase({caller, *bundle});
  return {200, flag_body("withdrawn")};
}

SimulatedHub::Plain SimulatedHub::confirm(const ClientName& caller, std::string_view body) {
  const auto document = json::Document::parse(body);
  if (!document) return {400, message_body("no JSON")};
  json::ObjectReader reader(document->root(), "confirmation");
  std::int64_t confirmed = 0;
  for (const json::Value& element : reader.array("bundles", 256)) {
    json::ObjectReader bundle(element, "bundle");
    const BundleName name{bundle.parsed<ClientName>("initiator"), bundle.parsed<BundleId>("bundle_id")};
    if (bundle.finish(json::UnknownMembers::refuse)) return {400, message_body("no bundle")};
    const auto found = durable_.shares.find(name);
    if (found == durable_.shares.end() || found->second.claimants.erase(caller) == 0) continue;
    ++confirmed;
    if (found->second.claimants.empty()) durable_.shares.erase(found);
  }
  if (reader.finish(json::UnknownMembers::refuse)) return {400, message_body("no confirmation")};
  json::Writer writer;
  writer.begin_object().name("confirmed").integer(confirmed).end_object();
  return {200, writer.take()};
}

HubAnswer SimulatedHub::handle_poll(const HubRequest& request) {
  HubAnswer refusal{401, {}, {}, message_body("does not verify")};
  const auto polling = PollingRequest::parse(request.signature);
  if (!polling) return refusal;
  const auto found = running_.find(polling->numbers.client);
  if (found == running_.end()) return refusal;
  Running& running = found->second;
  const RequestParts parts{id(), epoch_, request.method, request.target, request.body.view()};
  if (running.polling_key.empty() || polling->numbers.counter <= running.polling_counter ||
      polling->numbers.registration != durable_.clients.at(polling->numbers.client).registration_number ||
      !constant_time_equal(polling_request_tag(running.polling_key.view(), parts, polling->numbers),
                           polling->tag)) {
    ++refused;
    return refusal;
  }
  running.polling_counter = polling->numbers.counter;
  const auto question =
      PendingQuestion::parse(std::string_view(request.target).substr(request.target.find('?') + 1));
  if (!question) return {400, {}, {}, message_body("no question")};
  std::map<std::uint64_t, BundleName> waiting;
  for (const auto& [name, share] : durable_.shares) {
    if (share.claimants.contains(polling->numbers.client) && share.number > question->cursor)
      waiting.emplace(share.number, name);
  }
  std::uint64_t cursor = question->cursor;
  json::Writer writer;
  writer.begin_object().name("bundles").begin_array();
  for (const auto& [number, name] : waiting) {
    write_bundle(writer, name);
    cursor = number;
  }
  writer.end_array().name("more").boolean(false);
  writer.name("cursor").integer(static_cast<std::int64_t>(cursor)).end_object();
  SecretBytes body = writer.take();
  const PollingTag tag =
      polling_answer_tag(running.polling_key.view(), parts, polling->numbers, polling->tag, 200, body.view());
  return {200, {}, PollingAnswer{polling->numbers.counter, tag}.text(), std::move(body)};
}

Result<Reserved> SimulatedHub::allocate(const ClientName& client, Zone zone, std::uint64_t size) {
  PsrdPool& pool = *running_.at(client).pool;
  for (const PsrdLease& lease : pool.lease_wish(zone, size)) {
    auto bytes = durable_.clients.at(client).blocks.at(lease.block).extend(lease);
    if (!bytes) return bytes.error();
    pool.leased(lease, std::move(*bytes));
  }
  return pool.allocate(zone, size);
}

void SimulatedHub::settle_floors(const ClientName& client) {
  for (const PsrdFloor& floor : running_.at(client).pool->take_risen_floors()) {
    durable_.clients.at(client).blocks.at(floor.block).raise(floor);
  }
}

}  // namespace dske::test
