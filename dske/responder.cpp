#include "dske/responder.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "dske/responder_fetching.h"

namespace dske {
namespace {

constexpr std::size_t kConfirmationsMost = 256;

SecretBytes confirmation_body(const std::vector<BundleName>& bundles) {
  json::Writer writer;
  writer.begin_object().name("bundles").begin_array();
  for (const BundleName& bundle : bundles) {
    writer.begin_object();
    writer.name("initiator").string(bundle.initiator.text());
    writer.name("bundle_id").string(bundle.id.text());
    writer.end_object();
  }
  writer.end_array().end_object();
  return writer.take();
}

}  // namespace

Responder::Responder(Settings settings, const std::vector<std::shared_ptr<HubLink>>& links, EventLoop& loop,
                     const Clock& clock)
    : settings_(std::move(settings)), links_(links), loop_(loop), clock_(clock) {}

void Responder::fetch(const BundleName& bundle, Done done) {
  std::make_shared<Fetching>(bundle, *this, std::move(done))->start();
}

void Responder::confirm(const std::vector<BundleContext>& bundles) {
  for (const auto& link : links_) {
    std::vector<BundleName> names;
    const auto send = [&] {
      if (names.empty()) return;
      link->call("POST", "/key-share/confirmation", confirmation_body(names), [link](const Result<HubReply>& reply) {
        if (!reply) log::debug("hub {}: confirmation: {}", link->address().name.text(), reply.error().message);
      });
      names.clear();
    };
    for (const BundleContext& bundle : bundles) {
      if (bundle.x_of(link->address().id)) names.push_back(bundle.name());
      if (names.size() == kConfirmationsMost) send();
    }
    send();
  }
}

}  // namespace dske
