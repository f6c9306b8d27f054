#include "kme/confirmations.h"

#include <utility>

#include "base/json.h"

namespace dske::kme {
namespace {

constexpr std::chrono::milliseconds kGather{20};
constexpr std::chrono::seconds kPollInterval{10};
constexpr std::size_t kPendingMost = 1000;

}  // namespace

void Confirmations::add(const BundleContext& bundle) {
  waiting_.push_back(bundle);
  if (waiting_.size() == 1) {
    loop_.after(kGather, [this] { send(); });
  }
}

void Confirmations::send() {
  responder_.confirm(std::exchange(waiting_, {}));
}

void Confirmations::start_polling() {
  loop_.after(kPollInterval, [this] {
    poll();
    start_polling();
  });
}

void Confirmations::poll() {
  for (const auto& link : links_) {
    if (!link->registered()) continue;
    link->poll([this, link](const Result<HubReply>& reply) {
      if (reply && reply->status == 200) listed(link, *reply);
    });
  }
}

void Confirmations::listed(const std::shared_ptr<HubLink>& link, const HubReply& reply) const {
  const auto document = json::Document::parse(reply.body.text());
  if (!document) return;
  json::ObjectReader reader(document->root(), "pending");
  std::vector<BundleName> known;
  for (const json::Value& element : reader.array("bundles", kPendingMost)) {
    json::ObjectReader bundle(element, "bundle");
    BundleName name{bundle.parsed<ClientName>("initiator"), bundle.parsed<BundleId>("bundle_id")};
    if (!bundle.failed() && held_.holds_or_finished(name)) known.push_back(std::move(name));
  }
  Responder::confirm_at(link, known);
}

}  // namespace dske::kme
