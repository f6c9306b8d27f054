// One bundle on its way from the hubs. Internal to the responder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dske/key_share_message.h"
#include "dske/responder.h"

namespace dske {

/// Asks all hubs, groups what comes back, rebuilds as soon as k agree, and afterwards still checks late
/// answers so that hubs with wrong shares are named. Keeps itself alive until the last answer.
class Responder::Fetching : public std::enable_shared_from_this<Responder::Fetching> {
 public:
  Fetching(BundleName bundle, Responder& responder, Responder::Done done);
  void start();

 private:
  /// An answer of one hub, decrypted.
  struct Answer {
    std::shared_ptr<HubLink> link;
    std::uint8_t x = 0;
    BundleContext context;
    SecretTag tag{};
    SecretBytes share;
    MonotonicTime expires;  ///< as the hub says
  };

  void ask(const std::shared_ptr<HubLink>& link, bool may_retry);
  void answered(const std::shared_ptr<HubLink>& link, bool may_retry, Result<HubReply> reply);
  [[nodiscard]] Result<Answer> read(const std::shared_ptr<HubLink>& link, std::string_view body) const;
  void add_cause(const HubLink& link, const std::string& cause);
  [[nodiscard]] bool cannot_exist() const;
  void decide(bool waited);
  /// Tries to rebuild from the answers that agree with `example`.
  void rebuild(const Answer& example);
  void judge(const Answer& answer) const;
  void finish(Result<FetchedBundle> result);

  BundleName bundle_;
  Responder& responder_;
  Responder::Done done_;
  std::vector<Answer> answers_;
  std::vector<std::shared_ptr<HubLink>>
      doubtful_;  // they gave contexts that are refused, but may be the initiator's
  std::size_t outstanding_ = 0;
  std::size_t denied_ = 0;
  std::string causes_;
  bool asking_ = true;
  bool finished_ = false;
  bool tag_failed_ = false;
  std::vector<std::size_t> verified_;  // k answers that rebuilt the secret; empty until then
};

}  // namespace dske
