#include "dske/responder.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "dske/responder_fetching.h"

namespace dske {
namespace {

constexpr std::size_t kConfirmationsMost = 256;

SecretBytes confirmation_body(std::span<const BundleName> bundles) {
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
    for (const BundleContext& bundle : bundles) {
      if (bundle.x_of(link->address().id)) names.push_back(bundle.name());
    }
    confirm_at(link, names);
  }
}

void Responder::confirm_at(const std::shared_ptr<HubLink>& link, const std::vector<BundleName>& bundles) {
  for (std::size_t begin = 0; begin < bundles.size(); begin += kConfirmationsMost) {
    const std::size_t count = std::min(kConfirmationsMost, bundles.size() - begin);
    const std::span<const BundleName> names(&bundles[begin], count);
    link->call("POST", "/key-share/confirmation", confirmation_body(names),
               [link](const Result<HubReply>& reply) {
                 if (!reply)
                   log::debug("hub {}: confirmation: {}", link->address().name.text(), reply.error().message);
               });
  }
}

}  // namespace dske
