#include "kme/bundle_fetches.h"

#include <memory>
#include <utility>

#include "base/log.h"

namespace dske::kme {

void BundleFetches::fetch(const BundleName& bundle, Done done) {
  if (held_.holds_or_finished(bundle)) return done({});
  const auto [running, is_new] = waiting_.try_emplace(bundle);
  running->second.push_back(std::move(done));
  if (!is_new) return;
  responder_.fetch(bundle,
                   [this, bundle](Result<FetchedBundle> result) { fetched(bundle, std::move(result)); });
}

void BundleFetches::fetched(const BundleName& name, Result<FetchedBundle> bundle) {
  if (!bundle) {
    if (bundle.error().kind != ErrorKind::not_found)
      log::warning("bundle {}: {}", name.id.text(), bundle.error().message);
    return finish(name, bundle.error());
  }
  store::HeldBundle record{
      bundle->context, bundle->keys.clone(), DurableDeadline::at(bundle->expires, clock_), {}};
  store_.hold_bundle(
      std::move(record),
      [this, name, bundle = std::make_shared<FetchedBundle>(std::move(*bundle))](const Result<void>& stored) {
        if (stored) {
          held_.hold(bundle->context, std::move(bundle->keys), bundle->expires, {});
          confirmations_.add(bundle->context);
        }
        finish(name, stored);
      });
}

void BundleFetches::finish(const BundleName& name, const Result<void>& result) {
  auto waiting = waiting_.extract(name);
  if (waiting.empty()) return;
  for (Done& done : waiting.mapped()) done(result);
}

}  // namespace dske::kme
