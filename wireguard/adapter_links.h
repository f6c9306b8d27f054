// The other adapters: a link to each that can be called, a mailbox for each that calls.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/random.h"
#include "http/client.h"
#include "wireguard/adapter_link.h"
#include "wireguard/config.h"
#include "wireguard/mailbox.h"

namespace dske::wireguard {

/// Only on the loop's thread.
class AdapterLinks {
 public:
  /// `tls` is this end's, `compare` what Timings says.
  AdapterLinks(TlsFiles tls, Duration compare, http::ClientLoop& loop, Randomness& randomness);

  /// One and the same for all that name the same adapter; it lives as long as one of them.
  [[nodiscard]] std::shared_ptr<AdapterLink> link_to(const SaeId& sae, const std::string& url);

  /// That of the adapter of this SAE which calls itself so. An SAE has a few at most: the one that was not
  /// used for the longest time makes room.
  [[nodiscard]] std::shared_ptr<Mailbox> mailbox_of(const SaeId& sae, const AdapterId& adapter);
  /// An SAE without tunnels needs none.
  template <class IsKnown>
  void forget_mailboxes_unless(IsKnown is_known) {
    std::erase_if(mailboxes_, [&](const auto& entry) { return !is_known(entry.first); });
  }

 private:
  using Mailboxes = std::list<std::pair<AdapterId, std::shared_ptr<Mailbox>>>;  // the last used one first

  const TlsFiles tls_;
  const Duration compare_;
  http::ClientLoop& loop_;
  Randomness& randomness_;
  std::map<std::pair<SaeId, std::string>, std::weak_ptr<AdapterLink>> links_;
  std::map<SaeId, Mailboxes> mailboxes_;
};

}  // namespace dske::wireguard
