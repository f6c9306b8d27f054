// One bundle on its way to the hubs. Internal to the initiator.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dske/initiator.h"
#include "dske/key_share_message.h"
#include "dske/psrd_shares.h"
#include "dske/secret_tag.h"

namespace dske {

/// Posts every share at once and decides when enough hubs have acknowledged. Keeps itself alive until the
/// last answer.
class Initiator::Posting : public std::enable_shared_from_this<Initiator::Posting> {
 public:
  struct Parts {
    BundleContext context;
    SecretBytes keys;
    std::vector<SecretBytes> shares;  ///< the i-th for the i-th hub
    PsrdShares::Pads psrd_shares;     ///< of the hubs whose share is PSRD: where it lies
    SecretTag tag{};
    std::vector<std::shared_ptr<HubLink>> links;
    std::map<ClientName, std::vector<HubId>> hubs_of_clients;  ///< where each slave's client can fetch
    std::size_t hubs_needed = 0;  ///< that must acknowledge for each of these clients
    std::chrono::seconds lifetime{0};
    MonotonicTime expires;
    std::chrono::milliseconds grace{0};
  };

  Posting(Parts parts, Initiator& initiator, Initiator::Done done);
  void start();

 private:
  /// unsure: the hub may hold the share, its answer did not come.
  enum class Outcome { outstanding, acknowledged, failed, unsure };

  void post(std::size_t i, bool may_retry);
  void send(std::size_t i, bool may_retry, ShareSource source, HubLink::Pad pad);
  void answered(std::size_t i, bool may_retry, Result<HubReply> reply);
  void failed(std::size_t i, const Error& error);
  void decide(bool waited);
  /// How many hubs have acknowledged for the slave's client with the fewest, or would have if all that are
  /// outstanding did too.
  [[nodiscard]] std::size_t fewest(bool counting_outstanding) const;
  void succeed();
  void fail();
  void fail_with(BundleFailure failure);
  /// Whether the hub must be told if the bundle is withdrawn.
  [[nodiscard]] bool may_hold(std::size_t i) const;

  Parts parts_;
  Initiator& initiator_;
  Initiator::Done done_;
  std::vector<Outcome> outcomes_;
  std::vector<HubCause> causes_;
  bool exhausted_ = false;
  bool started_ = false;
  bool decided_ = false;
  bool withdrawing_ = false;
  std::optional<Error> store_error_;
  bool grace_running_ = false;
};

}  // namespace dske
