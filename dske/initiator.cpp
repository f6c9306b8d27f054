#include "dske/initiator.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"
#include "dske/initiator_posting.h"
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
  std::optional<Error> error;
};

Initiator::Initiator(Settings settings, const std::vector<std::shared_ptr<HubLink>>& links, SaeDirectory& directory,
                     InitiatorStore& store, EventLoop& loop, const Clock& clock, Randomness& randomness)
    : settings_(std::move(settings)),
      links_(links),
      directory_(directory),
      store_(store),
      loop_(loop),
      clock_(clock),
      randomness_(randomness) {}

void Initiator::establish(BundleRequest request, Done done) {
  auto resolution = std::make_shared<Resolution>();
  resolution->request = std::move(request);
  resolution->done = std::move(done);
  resolution->begun = clock_.now();
  const auto& saes = resolution->request.slaves;
  resolution->slaves.resize(saes.size());
  resolution->outstanding = saes.size();
  for (std::size_t i = 0; i < saes.size(); ++i) {
    directory_.locate(saes[i], [this, resolution, i](const Result<SaeLocation>& location) {
      if (location) {
        resolution->slaves[i] = {resolution->request.slaves[i], location->client};
        resolution->hubs[location->client] = location->hubs;
      } else {
        resolution->error = location.error();
      }
      if (--resolution->outstanding == 0) resolved(resolution);
    });
  }
}

Result<std::vector<std::shared_ptr<HubLink>>> Initiator::choose_hubs(const Resolution& resolution) const {
  std::vector<std::shared_ptr<HubLink>> chosen;
  std::string causes;
  std::map<ClientName, std::size_t> common;
  for (const auto& link : links_) {
    bool useful = false;
    for (const auto& [client, hubs] : resolution.hubs) {
      if (std::find(hubs.begin(), hubs.end(), link->address().id) == hubs.end()) continue;
      useful = true;
      if (link->registered()) ++common[client];
    }
    if (useful && link->registered()) {
      chosen.push_back(link);
    } else {
      causes += (causes.empty() ? "" : "; ") + link->address().name.text() + ": " +
                (link->registered() ? "the slave's KME is not registered there" : link->last_error());
    }
  }
  for (const auto& [client, hubs] : resolution.hubs) {
    if (common[client] < settings_.shares_required) {
      return Error{ErrorKind::unavailable, "only " + std::to_string(common[client]) + " of the " +
                                               std::to_string(settings_.shares_required) +
                                               " hubs needed are there for KME " + client.text() + " (" + causes + ")"};
    }
  }
  return chosen;
}

void Initiator::resolved(const std::shared_ptr<Resolution>& resolution) {
  if (resolution->error) return resolution->done(*resolution->error);
  auto chosen = choose_hubs(*resolution);
  if (!chosen) {
    for (const Slave& slave : resolution->slaves) directory_.forget(slave.sae_id);
    return resolution->done(chosen.error());
  }
  const BundleRequest& request = resolution->request;
  BundleContext context{BundleId::random(randomness_), settings_.client, request.key_count, request.key_size_bytes,
                        request.master, resolution->slaves, static_cast<std::uint8_t>(settings_.shares_required), {}};
  for (const auto& link : *chosen) context.hubs.push_back(link->address().id);
  if (auto checked = context.check(); !checked) return resolution->done(checked.error());
  for (const auto& link : *chosen) {
    if (context.share_bytes() > link->limits().share_bytes) {
      return resolution->done(invalid("hub " + link->address().name.text() + " takes shares of at most " +
                                      std::to_string(link->limits().share_bytes) + " bytes, number and size need " +
                                      std::to_string(context.share_bytes())));
    }
  }

  // Y = u || S, all of it shared.
  SecretBytes secret(context.share_bytes());
  randomness_.fill(secret.span());
  const ByteView u = secret.view().first(kSecretTagRandomSize);
  SecretBytes keys = SecretBytes::copy_of(secret.view().subspan(kSecretTagRandomSize));
  const SecretTag tag = secret_tag(u, context.encode(), keys.view());
  auto shares = split(secret.view(), context.shares_required, context.hubs.size(), randomness_);
  if (!shares) return resolution->done(shares.error());

  std::map<ClientName, std::vector<HubId>> hubs_of_clients = resolution->hubs;
  auto posting = std::make_shared<Posting>(
      Posting::Parts{std::move(context), std::move(keys), std::move(*shares), tag, std::move(*chosen),
                     std::move(hubs_of_clients), request.lifetime, resolution->begun + request.lifetime, settings_.grace},
      *this, std::move(resolution->done));
  posting->start();
}

void Initiator::withdraw(const BundleId& id, const std::vector<HubId>& hubs) {
  store_.forget_bundle(id, [](const Result<void>& /*result*/) {});
  for (const auto& link : links_) {
    if (std::find(hubs.begin(), hubs.end(), link->address().id) == hubs.end()) continue;
    link->call("DELETE", "/key-share?key_id=" + id.text(), {}, [](const Result<HubReply>& /*reply*/) {});
  }
}

}  // namespace dske
