#include "kme/key_issue.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log.h"
#include "kme/asked_extensions.h"
#include "kme/delivery_errors.h"
#include "kme/key_age.h"

namespace dske::kme {

bool storable(const KmeConfig& config, const etsi014::KeyRequest& request) {
  return request.size_bits == config.limits.key_size_bits && request.additional_slave_sae_ids.empty() &&
         request.mandatory_extensions.empty() && request.optional_extensions.empty();
}

// A request on its way.
struct KeyIssue::Order {
  BundleRequest bundle;
  AskedExtensions extensions;
  std::size_t look_ups = 0;              // taken from the master's budget
  std::optional<etsi014::SaePair> pair;  // if the key store could have served it
  Done done;
};

void KeyIssue::issue(const SaeId& master, const SaeId& slave, const etsi014::KeyRequest& request, Done done) {
  auto extensions =
      AskedExtensions::read(request, std::max(parts_.roster.listed().size(), parts_.links.size()));
  if (!extensions) return done(extensions.error());
  auto order = std::make_shared<Order>();
  order->bundle.master = master;
  order->bundle.slaves = {slave};
  for (const SaeId& additional : request.additional_slave_sae_ids) order->bundle.slaves.push_back(additional);
  order->bundle.key_count = request.number;
  order->bundle.key_size_bytes = static_cast<std::uint32_t>(request.size_bytes());
  order->extensions = std::move(*extensions);
  order->done = std::move(done);
  if (!storable(parts_.config, request)) return make(order);
  order->pair = {master, slave};
  parts_.key_store.take_leasing(*order->pair, request.number,
                                [this, order](std::optional<KeyStore::Keys> keys) {
                                  if (!keys) return make(order);
                                  order->done(Issued{std::move(*keys), {}});
                                });
}

void KeyIssue::make(const std::shared_ptr<Order>& order) {
  const SaeId& master = order->bundle.master;
  const auto& slaves = order->bundle.slaves;
  order->look_ups = static_cast<std::size_t>(std::count_if(
      slaves.begin(), slaves.end(), [&](const SaeId& sae) { return !parts_.directory.is_known(sae); }));
  if (!parts_.allowance.allows_request(order->bundle)) {
    return order->done(
        etsi014::unavailable("this SAE has taken as much of the PSRD as is left for the others of its KME: "
                             "try again later, or have more"
                             " provisioned"));
  }
  if (!parts_.budget.take(master, order->look_ups)) return order->done(too_many_look_ups());
  establish(order);
}

void KeyIssue::establish(const std::shared_ptr<Order>& order) {
  const Demand demand = order->extensions.demand();
  BundleRequest request = order->bundle;
  request.lifetime = demand.lifetime(parts_.config.key_lifetime);
  request.shares_required = demand.shares_required;
  request.least_hubs = demand.hubs;
  parts_.initiator.establish(std::move(request), [this, order](BundleResult result) {
    if (result) {
      established(order, std::move(*result));
    } else {
      failed(order, std::move(result.error()));
    }
  });
}

void KeyIssue::failed(const std::shared_ptr<Order>& order, BundleFailure failure) {
  const BundleRequest& bundle = order->bundle;
  const std::size_t not_unknown = order->look_ups - std::min(order->look_ups, failure.unknown_saes.size());
  if (failure.unknown_saes.empty()) {
    parts_.budget.give_back_most(bundle.master, not_unknown);
  } else {
    parts_.budget.give_back(bundle.master, not_unknown);
  }
  order->look_ups = 0;
  if (!failure.unknown_saes.empty()) return order->done(etsi014::unknown_saes(failure.unknown_saes));
  if (failure.hubs_there || failure.kind == ErrorKind::unavailable)
    name_hubs(failure, unusable_hubs(parts_.roster, parts_.links));
  if (failure.hubs_there && *failure.hubs_there >= parts_.config.shares_required) {
    // Enough for a key, but not for all that the extensions ask.
    auto settled = order->extensions.settle_for(
        *failure.hubs_there, "only " + std::to_string(*failure.hubs_there) +
                                 " hubs can be used for the KME of each SAE (" + text_of(failure.hubs) + ")");
    if (!settled) return order->done(std::move(settled.error()));
    if (*settled) return establish(order);
  }
  log::warning("no key for {} with {}: {}", bundle.master.text(), bundle.slaves.front().text(),
               failure.message);
  order->done(as_api_error(failure, failure.hubs));
}

void KeyIssue::established(const std::shared_ptr<Order>& order, EstablishedBundle bundle) {
  parts_.budget.give_back(order->bundle.master, order->look_ups);
  const Demand demand = order->extensions.demand();
  const std::chrono::seconds lifetime = demand.lifetime(parts_.config.key_lifetime);
  if (bundle.expires - parts_.clock.now() < least_left(lifetime)) {
    return order->done(etsi014::unavailable("establishing the keys took too much of their lifetime"));
  }
  if (order->pair) parts_.key_store.asked(*order->pair, bundle.context.key_count);
  Issued issued;
  const std::size_t size = bundle.context.key_size_bytes;
  for (std::uint32_t i = 0; i < bundle.context.key_count; ++i) {
    issued.keys.push_back({bundle.context.id.key_id(static_cast<std::uint16_t>(i)),
                           SecretBytes::copy_of(bundle.keys.view().subspan(i * size, size))});
  }
  if (order->extensions.any()) {
    const auto age = std::min(parts_.config.key_lifetime, demand.max_age);
    issued.extension = {{"DSKE_max_age_seconds", age.count()},
                        {"DSKE_shares_required", bundle.context.shares_required},
                        {"DSKE_hubs", static_cast<std::int64_t>(bundle.hubs)}};
  }
  order->done(std::move(issued));
}

}  // namespace dske::kme
