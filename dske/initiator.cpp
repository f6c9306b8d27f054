#include "dske/initiator.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/log.h"
#include "dske/initiator_posting.h"
#include "dske/psrd_shares.h"
#include "dske/secret_sharing.h"
#include "dske/secret_tag.h"

namespace dske {

// A request whose slaves' clients are being looked up.
struct Initiator::Resolution {
  BundleRequest request;
  Done done;
  MonotonicTime begun;
  std::vector<Slave> slaves;
  std::map<ClientName, std::vector<HubId>> hubs;  // where each slave's client is registered
  std::size_t outstanding = 0;
  bool remembered = false;  // some of it was not asked for now
  std::set<SaeId> unknown;
  std::optional<Error> error;
};

// A bundle whose hubs have been chosen.
struct Initiator::Plan {
  std::shared_ptr<Resolution> resolution;
  BundleContext context;
  std::vector<std::shared_ptr<HubLink>> links;  // by x
};

// What is shared, and by hub the PSRD that is its share, if it is.
struct Initiator::Material {
  SharedSecret shared;
  PsrdShares::Pads pads;
};

namespace {

std::uint64_t share_bytes(const BundleRequest& request) {
  return kSecretTagRandomSize + std::uint64_t{request.key_count} * request.key_size_bytes;
}

BundleFailure not_known(const std::vector<SaeId>& slaves, const std::set<SaeId>& unknown) {
  BundleFailure failure{{ErrorKind::not_found, "no hub knows the SAE "}};
  for (const SaeId& sae : slaves) {
    if (!unknown.contains(sae)) continue;
    failure.message += (failure.unknown_saes.empty() ? "" : ", ") + sae.text();
    failure.unknown_saes.push_back(sae);
  }
  return failure;
}

// What of the request is more than the hub takes; empty if nothing is.
std::string beyond_limits(const BundleRequest& request, const HubLimits& limits) {
  if (share_bytes(request) > limits.share_bytes) {
    return "takes shares of at most " + std::to_string(limits.share_bytes) + " bytes, number and size need " +
           std::to_string(share_bytes(request));
  }
  if (request.slaves.size() > limits.slaves)
    return "takes at most " + std::to_string(limits.slaves) + " slaves";
  if (static_cast<std::uint64_t>(request.lifetime.count()) > limits.lifetime_seconds) {
    return "takes lifetimes of at most " + std::to_string(limits.lifetime_seconds) + " s";
  }
  return {};
}

}  // namespace

std::string text_of(const std::vector<HubCause>& causes) {
  std::string text;
  for (const HubCause& each : causes)
    text += (text.empty() ? "" : "; ") + each.hub.text() + ": " + each.cause;
  return text;
}

Initiator::Initiator(Settings settings, const std::vector<std::shared_ptr<HubLink>>& links,
                     SaeDirectory& directory, InitiatorStore& store, EventLoop& loop, const Clock& clock,
                     Randomness& randomness)
    : settings_(std::move(settings)),
      links_(links),
      directory_(directory),
      store_(store),
      loop_(loop),
      clock_(clock),
      randomness_(randomness) {}

void Initiator::establish(BundleRequest request, Done done) {
  if (request.slaves.empty()) return done(invalid("a bundle has at least one slave SAE"));
  if (request.lifetime <= std::chrono::seconds(0))
    return done(invalid("a bundle's lifetime is at least a second"));
  auto resolution = std::make_shared<Resolution>();
  resolution->request = std::move(request);
  resolution->done = std::move(done);
  resolution->begun = clock_.now();
  resolve(resolution);
}

void Initiator::resolve(const std::shared_ptr<Resolution>& resolution) {
  const std::vector<SaeId>& saes = resolution->request.slaves;
  resolution->slaves.assign(saes.size(), {});
  resolution->hubs.clear();
  resolution->unknown.clear();
  resolution->error.reset();
  resolution->outstanding = saes.size();
  resolution->remembered = std::any_of(
      saes.begin(), saes.end(), [&](const SaeId& sae) { return directory_.remembered(sae) != nullptr; });
  for (std::size_t i = 0; i < saes.size(); ++i) {
    directory_.locate(saes[i], [this, resolution, i](const Result<SaeLocation>& location) {
      if (location) {
        resolution->slaves[i] = {resolution->request.slaves[i], location->client};
        resolution->hubs[location->client] = location->hubs;
      } else if (location.error().kind == ErrorKind::not_found) {
        resolution->unknown.insert(resolution->request.slaves[i]);
      } else {
        resolution->error = location.error();
      }
      if (--resolution->outstanding == 0) resolved(resolution);
    });
  }
}

std::size_t Initiator::shares_required(const BundleRequest& request) const {
  return std::max(settings_.shares_required, request.shares_required);
}

tl::expected<std::vector<std::shared_ptr<HubLink>>, BundleFailure> Initiator::choose_hubs(
    const Resolution& resolution) const {
  std::vector<std::shared_ptr<HubLink>> chosen;
  std::vector<HubCause> causes;
  std::map<ClientName, std::size_t> common;
  std::map<ClientName, std::size_t> too_small;
  for (const auto& link : links_) {
    bool useful = false;
    const std::string beyond = link->registered() ? beyond_limits(resolution.request, link->limits()) : "";
    for (const auto& [client, hubs] : resolution.hubs) {
      if (std::find(hubs.begin(), hubs.end(), link->address().id) == hubs.end()) {
        if (link->registered())
          causes.push_back(
              {link->address().name, "the KME " + client.text() + " is not known to be registered there"});
        continue;
      }
      useful = true;
      if (link->registered()) ++(beyond.empty() ? common : too_small)[client];
    }
    if (!link->registered()) {
      causes.push_back(
          {link->address().name, link->last_error().empty() ? "not registered yet" : link->last_error()});
    } else if (!beyond.empty()) {
      causes.push_back({link->address().name, beyond});
    } else if (useful) {
      chosen.push_back(link);
    }
  }
  const std::size_t needed = std::max(shares_required(resolution.request), resolution.request.least_hubs);
  const ClientName* fewest = nullptr;
  for (const auto& [client, hubs] : resolution.hubs) {
    if (fewest == nullptr || common[client] < common[*fewest]) fewest = &client;
  }
  if (common[*fewest] >= needed) return chosen;
  const bool invalid_sizes = common[*fewest] + too_small[*fewest] >= needed;
  return tl::make_unexpected(
      BundleFailure{{invalid_sizes ? ErrorKind::invalid : ErrorKind::unavailable,
                     "only " + std::to_string(common[*fewest]) + " of the " + std::to_string(needed) +
                         " hubs needed are there for KME " + fewest->text() + " (" + text_of(causes) + ")"},
                    {},
                    std::move(causes),
                    common[*fewest]});
}

void Initiator::resolved(const std::shared_ptr<Resolution>& resolution) {
  if (!resolution->unknown.empty()) {
    return resolution->done(not_known(resolution->request.slaves, resolution->unknown));
  }
  if (resolution->error) return resolution->done(*resolution->error);
  auto chosen = choose_hubs(*resolution);
  if (!chosen) {
    // What was remembered may be out of date; but not since somebody asked for uncommonly many hubs.
    if (*chosen.error().hubs_there < settings_.shares_required) {
      for (const Slave& slave : resolution->slaves) directory_.forget(slave.sae_id);
      if (resolution->remembered) return resolve(resolution);
    }
    return resolution->done(std::move(chosen.error()));
  }
  const BundleRequest& request = resolution->request;
  BundleContext context{BundleId::random(randomness_),
                        settings_.client,
                        request.key_count,
                        request.key_size_bytes,
                        request.master,
                        resolution->slaves,
                        static_cast<std::uint8_t>(shares_required(request)),
                        {}};
  for (const auto& link : *chosen) context.hubs.push_back(link->address().id);
  if (auto checked = context.check(); !checked) return resolution->done(checked.error());

  Plan plan{resolution, std::move(context), std::move(*chosen)};
  if (settings_.key_source == KeySource::psrd) {
    take_secret_from_psrd(std::move(plan));
  } else {
    draw_secret(std::move(plan));
  }
}

void Initiator::draw_secret(Plan plan) {
  SecretBytes secret(plan.context.share_bytes());
  randomness_.fill(secret.span());
  auto shares = split(secret.view(), plan.context.shares_required, plan.context.hubs.size(), randomness_);
  if (!shares) return plan.resolution->done(shares.error());
  PsrdShares::Pads none(plan.links.size());
  post(std::move(plan), {{std::move(secret), std::move(*shares)}, std::move(none)});
}

void Initiator::take_secret_from_psrd(Plan plan) {
  const std::vector<std::shared_ptr<HubLink>> links = plan.links;
  const std::uint64_t size = plan.context.share_bytes();
  const std::size_t required = plan.context.shares_required;
  PsrdShares::take(
      links, size, required,
      [this, plan = std::move(plan)](tl::expected<PsrdShares::Pads, BundleFailure> pads) mutable {
        if (!pads) return plan.resolution->done(std::move(pads.error()));
        std::vector<SharePoint> points;
        for (std::size_t i = 0; i < pads->size(); ++i) {
          const auto& pad = (*pads)[i];
          if (pad) points.push_back({static_cast<std::uint8_t>(i + 1), pad->reserved.bytes.view()});
        }
        auto shared = complete(points, plan.context.hubs.size());
        if (!shared) return plan.resolution->done(shared.error());
        post(std::move(plan), {std::move(*shared), std::move(*pads)});
      });
}

void Initiator::post(Plan plan, Material material) {
  // Y = u || S, all of it shared.
  const ByteView secret = material.shared.secret.view();
  SecretBytes keys = SecretBytes::copy_of(secret.subspan(kSecretTagRandomSize));
  const SecretTag tag = secret_tag(secret.first(kSecretTagRandomSize), plan.context.encode(), keys.view());
  const std::shared_ptr<Resolution> resolution = std::move(plan.resolution);
  const BundleRequest& request = resolution->request;
  auto posting = std::make_shared<Posting>(
      Posting::Parts{std::move(plan.context), std::move(keys), std::move(material.shared.shares),
                     std::move(material.pads), tag, std::move(plan.links), std::move(resolution->hubs),
                     std::max(shares_required(request), request.least_hubs), request.lifetime,
                     resolution->begun + request.lifetime, settings_.grace},
      *this, std::move(resolution->done));
  posting->start();
}

void Initiator::withdraw(const BundleId& id, const std::vector<HubId>& hubs) {
  std::vector<std::shared_ptr<HubLink>> holders;
  for (const auto& link : links_) {
    if (std::find(hubs.begin(), hubs.end(), link->address().id) != hubs.end()) holders.push_back(link);
  }
  // The record goes last: as long as a hub has not confirmed, a restart withdraws again.
  const auto outstanding = std::make_shared<std::size_t>(holders.size());
  const auto forget = [this, id] { store_.forget_bundle(id, [](const Result<void>& /*result*/) {}); };
  if (holders.empty()) return forget();
  for (const auto& link : holders) {
    withdraw_at(link, id, [outstanding, forget](const Result<HubReply>& reply) {
      if (reply && reply->status == 200 && --*outstanding == 0) forget();
    });
  }
}

void Initiator::withdraw_at(const std::shared_ptr<HubLink>& link, const BundleId& id,
                            std::function<void(const Result<HubReply>&)> done) {
  const auto send = [link, id, done = std::move(done)] {
    link->call("DELETE", "/key-share?key_id=" + id.text(), {}, done);
  };
  if (link->registered()) {
    send();
  } else {
    link->after_registration(send);
  }
}

}  // namespace dske
