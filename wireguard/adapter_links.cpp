#include "wireguard/adapter_links.h"

#include <algorithm>

#include "wireguard/adapter_tls.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kMailboxesMost = 4;  // of one SAE

}  // namespace

AdapterLinks::AdapterLinks(TlsFiles tls, Duration compare, http::ClientLoop& loop, Randomness& randomness)
    : tls_(std::move(tls)), compare_(compare), loop_(loop), randomness_(randomness) {}

std::shared_ptr<AdapterLink> AdapterLinks::link_to(const SaeId& sae, const std::string& url) {
  std::erase_if(links_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<AdapterLink>& known = links_[{sae, url}];
  if (auto link = known.lock()) return link;
  AdapterId own{};  // of each link its own: what is for its tunnels, it collects
  randomness_.fill(own);
  auto link =
      std::make_shared<AdapterLink>(AdapterLink::Options{"the adapter of " + sae.text() + " at " + url, url,
                                                         tls_towards(sae, tls_), own, compare_},
                                    loop_, randomness_);
  known = link;
  return link;
}

std::shared_ptr<Mailbox> AdapterLinks::mailbox_of(const SaeId& sae, const AdapterId& adapter) {
  Mailboxes& mailboxes = mailboxes_[sae];
  const auto found = std::find_if(mailboxes.begin(), mailboxes.end(),
                                  [&](const auto& entry) { return entry.first == adapter; });
  if (found != mailboxes.end()) {
    mailboxes.splice(mailboxes.begin(), mailboxes, found);
  } else {
    mailboxes.emplace_front(adapter, std::make_shared<Mailbox>(loop_));
    if (mailboxes.size() > kMailboxesMost) mailboxes.pop_back();
  }
  return mailboxes.front().second;
}

}  // namespace dske::wireguard
