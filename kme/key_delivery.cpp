#include "kme/key_delivery.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dske/one_time_mac.h"
#include "dske/secret_tag.h"
#include "kme/delivery_errors.h"

namespace dske::kme {
using etsi014::ApiError;

// The keys that one dec_keys gave out.
class KeyDelivery::Delivery {
 public:
  SaeId sae;
  std::map<BundleName, std::vector<std::uint16_t>> indices;
};

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
      responder_(parts.responder),
      held_(parts.held),
      confirmations_(parts.confirmations),
      key_store_(parts.key_store),
      store_(parts.store),
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
  const bool known = directory_.remembered(slave) != nullptr;
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
  std::set<BundleId> missing;
  for (const KeyId& id : collection->ids) {
    const BundleId bundle = BundleId::of(id);
    // A bundle of the same id from another master does not stand in the way.
    const HeldKeys::Bundle* held = held_.find(bundle, master);
    const bool is_held = held != nullptr && held->context.master == master;
    if (!is_held && !held_.finished(bundle, master)) missing.insert(bundle);
  }
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
  if (held_.holds(name) || held_.finished(name)) {  // the caller named another master SAE of that client
    budget_.give_back(collection->slave);
    return collected(collection);
  }
  const auto [running, is_new] = fetching_.try_emplace(name);
  running->second.push_back(collection);
  if (!is_new) return;
  responder_.fetch(name, [this, name](Result<FetchedBundle> bundle) { fetched(name, std::move(bundle)); });
}

void KeyDelivery::fetched(const BundleName& name, Result<FetchedBundle> bundle) {
  const auto finish = [this, name](const Result<void>& result) {
    const auto waiting = fetching_.extract(name);
    if (waiting.empty()) return;
    for (const auto& collection : waiting.mapped()) {
      const bool no_such_bundle = !result && result.error().kind == ErrorKind::not_found;
      settle(collection->slave, result);
      if (!result && !no_such_bundle)
        collection->error = as_api_error(result.error(), unusable_hubs(roster_, links_));
      collected(collection);
    }
  };
  if (!bundle) {
    if (bundle.error().kind != ErrorKind::not_found)
      log::warning("bundle {}: {}", name.id.text(), bundle.error().message);
    return finish(bundle.error());
  }
  store::HeldBundle record{
      bundle->context, bundle->keys.clone(), DurableDeadline::at(bundle->expires, clock_), {}};
  const auto fetched_bundle = std::make_shared<FetchedBundle>(std::move(*bundle));
  store_.hold_bundle(std::move(record), [this, fetched_bundle, finish](const Result<void>& stored) {
    if (!stored) return finish(stored);
    confirmations_.add(fetched_bundle->context);
    held_.hold(std::move(fetched_bundle->context), std::move(fetched_bundle->keys), fetched_bundle->expires,
               {});
    finish(stored);
  });
}

void KeyDelivery::collected(const std::shared_ptr<Collection>& collection) {
  if (--collection->outstanding > 0) return;
  if (collection->error) return collection->done(*collection->error);
  deliver(collection);
}

void KeyDelivery::deliver(const std::shared_ptr<Collection>& collection) {
  std::vector<KeyId> missing;
  std::uint64_t bytes = 0;
  for (const KeyId& id : collection->ids) {
    const HeldKeys::Bundle* bundle = held_.find(BundleId::of(id), collection->master);
    if (bundle == nullptr) {
      missing.push_back(id);
      continue;
    }
    if (!bundle->context.names_slave(collection->slave) || bundle->context.master != collection->master) {
      return collection->done(etsi014::not_named_for_keys());
    }
    if (!HeldKeys::available(*bundle, collection->slave, BundleId::index_of(id))) missing.push_back(id);
    bytes += bundle->context.key_size_bytes;
  }
  if (bytes > BundleContext::kSecretBytesMost) {
    return collection->done(etsi014::bad_request("the keys asked for are together larger than " +
                                                 std::to_string(BundleContext::kSecretBytesMost) +
                                                 " bytes: ask for fewer at once"));
  }
  if (!missing.empty()) return collection->done(etsi014::keys_not_found(missing));

  Delivered delivered;
  delivered.delivery = std::make_shared<Delivery>();
  delivered.delivery->sae = collection->slave;
  for (const KeyId& id : collection->ids) {
    HeldKeys::Bundle& bundle = *held_.find(BundleId::of(id), collection->master);
    const std::uint16_t index = BundleId::index_of(id);
    const std::size_t size = bundle.context.key_size_bytes;
    HeldKeys::deliver(bundle, collection->slave, index);
    delivered.delivery->indices[bundle.context.name()].push_back(index);
    delivered.keys.push_back({id, SecretBytes::copy_of(bundle.keys.view().subspan(index * size, size))});
  }
  collection->done(std::move(delivered));
}

void KeyDelivery::delivery_succeeded(const std::shared_ptr<Delivery>& delivery) {
  for (const auto& [name, indices] : delivery->indices) {
    keys_delivered_ += indices.size();
    const HeldKeys::Bundle* bundle = held_.get(name);
    std::vector<SaeId> local_slaves = bundle == nullptr ? std::vector<SaeId>() : bundle->local_slaves;
    store_.record_delivery(
        {name, delivery->sae, indices}, std::move(local_slaves), [name = name](const Result<void>& stored) {
          if (!stored)
            log::error("bundle {}: a delivery was not recorded: {}", name.id.text(), stored.error().message);
        });
    held_.delivered(name, delivery->sae, indices);
  }
}

void KeyDelivery::delivery_failed(const std::shared_ptr<Delivery>& delivery) {
  for (const auto& [name, indices] : delivery->indices) held_.not_delivered(name, delivery->sae, indices);
}

}  // namespace dske::kme
