// Which client serves an SAE, as k hubs say identically (docs/protocol.md, section 4.2).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "dske/hub_link.h"

namespace dske {

/// Where an SAE is.
struct SaeLocation {
  ClientName client;
  std::vector<HubId> hubs;  ///< those of our hubs where that client is registered
};

/// Asks the hubs, remembers the answers for ten minutes, or for one if not all hubs can be used. A hub that
/// did not answer is asked again once it is registered with. Lives on the links' event loop.
class SaeDirectory {
 public:
  using Done = UniqueFunction<void(Result<SaeLocation>)>;

  /// `links` may gain and lose links meanwhile. The references must outlive the directory.
  SaeDirectory(const std::vector<std::shared_ptr<HubLink>>& links, std::size_t shares_required,
               EventLoop& loop, const Clock& clock);
  ~SaeDirectory();
  SaeDirectory(const SaeDirectory&) = delete;
  SaeDirectory& operator=(const SaeDirectory&) = delete;

  /// Errors: not_found when k hubs say that they know no such SAE; unavailable, naming the hubs and causes,
  /// when no k hubs agree.
  void locate(const SaeId& sae, Done done);
  /// What is remembered, without asking; nothing if it is too old or unknown.
  [[nodiscard]] const SaeLocation* remembered(const SaeId& sae) const;
  /// Whether hubs have said where it is, not too long ago: also while one that has come since is to be asked.
  [[nodiscard]] bool is_known(const SaeId& sae) const;
  /// Forgets what is remembered of an SAE, since it did not prove right.
  void forget(const SaeId& sae);

 private:
  struct Query;
  struct Entry {
    SaeLocation location;
    std::set<HubId> told;  // hubs whose answer is in it
    MonotonicTime until;
    MonotonicTime ask_again;
  };
  void ask(const std::shared_ptr<Query>& query, const std::shared_ptr<HubLink>& link, bool may_retry);
  void answered(const std::shared_ptr<Query>& query, const std::shared_ptr<HubLink>& link,
                Result<HubReply> reply);
  void decide(const std::shared_ptr<Query>& query, bool waited);
  void finish(const std::shared_ptr<Query>& query, Result<SaeLocation> result);

  const std::vector<std::shared_ptr<HubLink>>& links_;
  std::size_t shares_required_;
  EventLoop& loop_;
  const Clock& clock_;
  std::map<SaeId, Entry> entries_;
  std::map<SaeId, std::shared_ptr<Query>> queries_;
};

}  // namespace dske
