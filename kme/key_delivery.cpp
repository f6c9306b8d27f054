#include "kme/key_delivery.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dske/one_time_mac.h"
#include "dske/secret_tag.h"
#include "kme/delivery_errors.h"

namespace dske::kme {
using etsi014::ApiError;

// A dec_keys whose bundles are being brought together.
struct KeyDelivery::Collection {
  SaeId slave;
  SaeId master;
  std::vector<KeyId> ids;
  Done<Delivered> done;
  std::size_t outstanding = 0;
  std::optional<ApiError> error;
};

KeyDelivery::KeyDelivery(const Parts& parts)
    : config_(parts.config),
      roster_(parts.roster),
      links_(parts.links),
      directory_(parts.directory),
      held_(parts.held),
      fetches_(parts.fetches),
      records_(parts.records),
      key_store_(parts.key_store),
      loop_(parts.loop),
      clock_(parts.clock),
      budget_(parts.clock),
      issue_({parts.config, parts.roster, parts.links, parts.directory, parts.initiator, budget_,
              parts.allowance, parts.key_store, parts.clock}) {}

std::uint32_t KeyDelivery::keys_available(const SaeLocation& location) const {
  // What the PSRD that is left could establish, key by key, at the k-th best of the hubs in common.
  std::vector<std::uint64_t> counts;
  const std::uint64_t share_bytes = kSecretTagRandomSize + config_.limits.key_size_bits / 8;
  for (const auto& link : links_) {
    const auto& hubs = location.hubs;
    if (!link->registered() || std::find(hubs.begin(), hubs.end(), link->address().id) == hubs.end())
      continue;
    const PsrdLevels levels = link->pool().levels();
    counts.push_back(std::min({levels.client_authenticator.left_bytes / kOneTimeMacKeySize,
                               levels.hub_authenticator.left_bytes / kOneTimeMacKeySize,
                               levels.client_pad.left_bytes / share_bytes}));
  }
  if (counts.size() < config_.shares_required) return 0;
  std::sort(counts.begin(), counts.end(), std::greater<>());
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(counts[config_.shares_required - 1], config_.limits.max_key_count));
}

void KeyDelivery::status(const SaeId& master, const SaeId& slave, Done<etsi014::Status> done) {
  const bool known = directory_.is_known(slave);
  if (!known && !budget_.take(master)) return done(too_many_look_ups());
  directory_.locate(slave, [this, master, slave, known,
                            done = std::move(done)](const Result<SaeLocation>& location) mutable {
    if (!known) settle(master, location);
    if (!location) return done(not_located(slave, location.error()));
    key_store_.asked({master, slave}, 0);
    const std::uint32_t there =
        config_.key_store.enabled ? key_store_.level({master, slave}) : keys_available(*location);
    done(etsi014::Status{config_.name.text(), location->client.text(), master, slave, there, config_.limits});
  });
}

ApiError KeyDelivery::not_located(const SaeId& sae, const Error& error) const {
  if (error.kind == ErrorKind::not_found) return etsi014::unknown_saes({sae});
  return as_api_error(error, unusable_hubs(roster_, links_));
}

std::optional<KeyDelivery::Keys> KeyDelivery::ready_keys(const SaeId& master, const SaeId& slave,
                                                         const etsi014::KeyRequest& request) {
  if (!storable(config_, request)) return std::nullopt;
  return key_store_.take({master, slave}, request.number);
}

void KeyDelivery::enc_keys(const SaeId& master, const SaeId& slave, const etsi014::KeyRequest& request,
                           KeyIssue::Done done) {
  issue_.issue(master, slave, request, std::move(done));
}

void KeyDelivery::dec_keys(const SaeId& slave, const SaeId& master, std::vector<KeyId> ids,
                           Done<Delivered> done) {
  auto collection = std::make_shared<Collection>();
  collection->slave = slave;
  collection->master = master;
  collection->ids = std::move(ids);
  collection->done = std::move(done);
  const std::set<BundleId> missing = held_.missing(master, collection->ids);
  // One more than there are, so that answers which come at once do not end the collection early.
  collection->outstanding = missing.size() + 1;
  for (const BundleId& bundle : missing) collect(collection, bundle);
  collected(collection);
}

void KeyDelivery::collect(const std::shared_ptr<Collection>& collection, const BundleId& id) {
  if (collection->error) return collected(collection);
  if (!budget_.take(collection->slave)) {
    collection->error = too_many_look_ups();
    return collected(collection);
  }
  directory_.locate(collection->master, [this, collection, id](const Result<SaeLocation>& location) {
    if (location) return fetch(collection, {location->client, id});
    settle(collection->slave, location);
    collection->error = not_located(collection->master, location.error());
    collected(collection);
  });
}

void KeyDelivery::fetch(const std::shared_ptr<Collection>& collection, const BundleName& name) {
  // It may be held all the same: the caller named another master SAE of that client.
  fetches_.fetch(name, [this, collection](const Result<void>& fetched) {
    const bool no_such_bundle = !fetched && fetched.error().kind == ErrorKind::not_found;
    settle(collection->slave, fetched);
    if (!fetched && !no_such_bundle)
      collection->error = as_api_error(fetched.error(), unusable_hubs(roster_, links_));
    collected(collection);
  });
}

void KeyDelivery::collected(const std::shared_ptr<Collection>& collection) {
  if (--collection->outstanding > 0) return;
  if (collection->error) return collection->done(*collection->error);
  collection->done(deliver(collection->slave, collection->master, collection->ids));
}

std::optional<etsi014::ApiResult<KeyDelivery::Delivered>> KeyDelivery::dec_keys_at_once(
    const SaeId& slave, const SaeId& master, const std::vector<KeyId>& ids) {
  if (!held_.missing(master, ids).empty()) return std::nullopt;
  return deliver(slave, master, ids);
}

etsi014::ApiResult<KeyDelivery::Delivered> KeyDelivery::deliver(const SaeId& slave, const SaeId& master,
                                                                const std::vector<KeyId>& ids) {
  auto outcome = held_.take(slave, master, ids);
  if (const auto* refused = std::get_if<HeldKeys::Refused>(&outcome)) {
    switch (refused->why) {
      case HeldKeys::Refused::Why::not_named:
        return etsi014::not_named_for_keys();
      case HeldKeys::Refused::Why::too_large:
        return etsi014::bad_request("the keys asked for are together larger than " +
                                    std::to_string(BundleContext::kSecretBytesMost) +
                                    " bytes: ask for fewer at once");
      case HeldKeys::Refused::Why::not_available:
        break;
    }
    return etsi014::keys_not_found(refused->not_available);
  }
  auto& taken = std::get<HeldKeys::Taken>(outcome);
  return Delivered{std::move(taken.keys),
                   std::make_shared<Delivery>(Delivery{slave, std::move(taken.parts)})};
}

void KeyDelivery::delivery_succeeded(const std::shared_ptr<Delivery>& delivery) {
  for (const HeldKeys::Part& part : delivery->parts) {
    keys_delivered_ += part.indices.size();
    // Recorded first: what is finished in memory is on its way to the store.
    records_.add(delivery->sae, part);
    held_.delivered(part.name(), delivery->sae, part.indices);
  }
}

void KeyDelivery::delivery_failed(const std::shared_ptr<Delivery>& delivery) {
  for (const HeldKeys::Part& part : delivery->parts)
    held_.not_delivered(part.name(), delivery->sae, part.indices);
}

}  // namespace dske::kme
