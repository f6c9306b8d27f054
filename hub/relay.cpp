#include "hub/relay.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "base/percent_encoding.h"
#include "dske/key_share_message.h"
#include "dske/one_time_pad.h"

namespace dske::hub {
namespace {

constexpr std::size_t kConfirmationsMost = 256;

SecretBytes flag_json(std::string_view name) {
  json::Writer writer;
  writer.begin_object().name(name).boolean(true).end_object();
  return writer.take();
}

// The query of a signed request: exactly these names, each once, in any order.
Result<std::map<std::string, std::string>> parse_query(std::string_view query,
                                                       const std::set<std::string>& names) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const auto equals = pair.find('=');
    const std::string name(pair.substr(0, equals));
    if (equals == std::string_view::npos || !names.contains(name)) return invalid("unknown query parameter");
    auto value = percent_decode(pair.substr(equals + 1));
    if (!value) return value.error();
    if (!values.emplace(name, std::move(*value)).second) return invalid(name + " is there twice");
  }
  for (const std::string& name : names) {
    if (!values.contains(name)) return invalid(name + " is missing");
  }
  return values;
}

Result<BundleName> parse_bundle_name(std::string_view initiator, std::string_view bundle_id) {
  auto client = ClientName::parse(initiator);
  if (!client) return client.error().within("initiator");
  auto id = BundleId::parse(bundle_id);
  if (!id) return id.error();
  return BundleName{std::move(*client), *id};
}

Result<std::vector<BundleName>> parse_confirmation(std::string_view body) {
  auto document = json::Document::parse(body);
  if (!document) return document.error().within("confirmation");
  json::ObjectReader reader(document->root(), "confirmation");
  std::vector<BundleName> bundles;
  for (const json::Value& element : reader.array("bundles", kConfirmationsMost)) {
    json::ObjectReader bundle(element, "bundle");
    ClientName initiator = bundle.parsed<ClientName>("initiator");
    const BundleId id = bundle.parsed<BundleId>("bundle_id");
    if (const auto fault = bundle.finish(json::UnknownMembers::refuse)) return *fault;
    bundles.push_back({std::move(initiator), id});
  }
  if (auto fault = reader.finish(json::UnknownMembers::refuse)) return *fault;
  return bundles;
}

}  // namespace

Relay::Relay(const HubId& hub, const RelayLimits& limits, ClientRegistry& clients, store::HubStore& store,
             WaitingPolls& polls, const Clock& clock)
    : hub_(hub), limits_(limits), clients_(clients), store_(store), polls_(polls), clock_(clock) {}

void Relay::look_up_sae(VerifiedRequest request) {
  auto text = percent_decode(request.request().parameters.at(0));
  auto sae = text ? SaeId::parse(*text) : Result<SaeId>(text.error());
  if (!sae) return request.refuse(sae.error());
  const auto client = clients_.by_sae(*sae);
  if (!client) return request.refuse(404, "no such SAE");
  json::Writer writer;
  writer.begin_object();
  writer.name("sae_id").string(sae->text());
  writer.name("client_name").string(client->name().text());
  writer.name("registered").boolean(client->registered() && client->enabled());
  writer.end_object();
  request.answer(200, writer.take());
}

Result<std::vector<ClientName>> Relay::claimants(const VerifiedRequest& request,
                                                 const BundleContext& context) const {
  if (context.initiator != request.client()->name())
    return Error{ErrorKind::forbidden, "initiator is not the caller"};
  if (!request.client()->serves(context.master)) {
    return Error{ErrorKind::forbidden, "master_sae_id is not bound to the caller here"};
  }
  if (!context.x_of(hub_)) return invalid("hubs does not list this hub");
  if (context.slaves.size() > limits_.slaves) return invalid("too many slaves");
  std::set<ClientName> found;
  for (const Slave& slave : context.slaves) {
    const auto client = clients_.by_sae(slave.sae_id);
    if (!client) continue;  // it may be known to others of the hubs
    if (client->name() != slave.client) {
      return Error{ErrorKind::forbidden, "a slave SAE is bound to another client here"};
    }
    // One that has left, or is disabled, fetches nothing here.
    if (client->registered() && client->enabled()) found.insert(client->name());
  }
  if (found.empty())
    return Error{ErrorKind::not_found, "no slave SAE is known here, of a client that is registered"};
  return std::vector<ClientName>(found.begin(), found.end());
}

void Relay::post_share(VerifiedRequest request) {
  auto message = KeyShareMessage::parse(request.body());
  if (!message) return request.refuse(message.error());
  const BundleContext& context = message->context;
  auto claiming = claimants(request, context);
  if (!claiming) return request.refuse(claiming.error());
  const std::uint64_t share_bytes = context.share_bytes();
  if (share_bytes > limits_.share_bytes)
    return request.refuse(413, "the share is larger than this hub takes");
  const auto client = request.client();
  auto pad = client->pool().take(Zone::pad, message->allocation);
  if (!pad) return request.refuse(pad.error());
  if (!client->begin_waiting(share_bytes, limits_.waiting_bundles_per_client,
                             limits_.waiting_bytes_per_client)) {
    return request.refuse(503, "too much of this client waits for its responders");
  }
  const auto lifetime = std::min(message->lifetime, std::chrono::seconds(limits_.lifetime_seconds));
  store::ShareRecord record{context, message->take_share(std::move(*pad)), message->secret_tag,
                            DurableDeadline::at(clock_.now() + lifetime, clock_)};
  std::vector<ClientName> waiting = *claiming;
  store_.add_share(std::move(record), std::move(*claiming),
                   [this, request = std::move(request), client, share_bytes,
                    waiting = std::move(waiting)](Result<void> result) mutable {
                     if (!result) {
                       client->end_waiting(1, share_bytes);
                       return request.refuse(result.error());
                     }
                     request.answer(200, flag_json("stored"));
                     for (const ClientName& claimant : waiting) polls_.share_came(claimant);
                   });
}

void Relay::get_share(VerifiedRequest request) {
  auto query = parse_query(request.request().query, {"initiator", "key_id"});
  if (!query) return request.refuse(query.error());
  auto bundle = parse_bundle_name(query->at("initiator"), query->at("key_id"));
  if (!bundle) return request.refuse(bundle.error());
  const ClientName claimant = request.client()->name();
  store_.load_share(std::move(*bundle), claimant,
                    [this, request = std::move(request)](Result<store::ShareRecord> share) mutable {
                      if (!share) return request.refuse(share.error());
                      give_out(std::move(request), std::move(*share));
                    });
}

void Relay::give_out(VerifiedRequest request, store::ShareRecord share) {
  const auto left =
      std::chrono::duration_cast<std::chrono::seconds>(share.expires.monotonic(clock_) - clock_.now());
  if (left.count() < 1) return request.refuse(404, "its lifetime is over");
  LeasedPool& pool = request.client()->pool();
  const std::uint64_t size = share.share.size();
  pool.allocate(Zone::pad, size,
                [request = std::move(request), share = std::move(share), left](Result<Reserved> pad) mutable {
                  // A block that was revoked meanwhile does not make the bundle unknown.
                  if (!pad) return request.refuse({ErrorKind::unavailable, pad.error().message});
                  apply_pad(share.share.span(), pad->bytes.view());
                  const KeyShareMessage message{std::move(share.context), ShareSource::message,
                                                std::move(share.share),   std::move(pad->allocation),
                                                share.secret_tag,         left};
                  request.answer(200, message.write(), KeyShareMessage::kContentType);
                });
}

void Relay::withdraw_share(VerifiedRequest request) {
  auto query = parse_query(request.request().query, {"key_id"});
  if (!query) return request.refuse(query.error());
  auto bundle = parse_bundle_name(request.client()->name().text(), query->at("key_id"));
  if (!bundle) return request.refuse(bundle.error());
  const auto client = request.client();
  store_.withdraw_share(std::move(*bundle),
                        [request = std::move(request), client](Result<std::uint64_t> removed) mutable {
                          if (!removed) return request.refuse(removed.error());
                          if (*removed > 0) client->end_waiting(1, *removed);
                          request.answer(200, flag_json("withdrawn"));
                        });
}

void Relay::confirm(VerifiedRequest request) {
  auto bundles = parse_confirmation(request.body());
  if (!bundles) return request.refuse(bundles.error());
  const std::size_t count = bundles->size();
  const ClientName claimant = request.client()->name();
  store_.confirm(
      claimant, std::move(*bundles),
      [this, request = std::move(request), count](Result<std::vector<store::WaitingAmount>> gone) mutable {
        if (!gone) return request.refuse(gone.error());
        release(*gone);
        json::Writer writer;
        writer.begin_object().name("confirmed").integer(static_cast<std::int64_t>(count)).end_object();
        request.answer(200, writer.take());
      });
}

void Relay::list_pending(Authenticator::Poll poll) {
  const auto question = PendingQuestion::parse(poll.request().query);
  if (!question) return poll.answer(400, message_json(question.error().message));
  polls_.begin(std::move(poll), *question);
}

void Relay::expire() {
  store_.expire([this](Result<std::vector<store::WaitingAmount>> gone) {
    if (gone) {
      release(*gone);
    } else {
      log::error("cannot remove shares whose lifetime is over: {}", gone.error().message);
    }
  });
}

void Relay::release(const std::vector<store::WaitingAmount>& amounts) {
  for (const store::WaitingAmount& amount : amounts) {
    if (const auto client = clients_.by_name(amount.initiator))
      client->end_waiting(amount.bundles, amount.share_bytes);
  }
}

}  // namespace dske::hub
