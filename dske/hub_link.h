// A client's link to one hub: registration, and calls that are authenticated both ways (docs/protocol.md,
// sections 2 and 4).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "dske/hub_transport.h"
#include "dske/leased_pool.h"
#include "dske/message_authentication.h"
#include "dske/pending_list.h"
#include "dske/polling_authentication.h"
#include "dske/registration_message.h"

namespace dske {

/// What a registration needs of durable storage; the callback runs on the event loop.
class RegistrationStore {
 public:
  virtual ~RegistrationStore() = default;
  /// A number greater than all that this hub was ever given, durable before it is answered.
  virtual void next_registration_number(const HubId& hub,
                                        UniqueFunction<void(Result<std::uint64_t>)> done) = 0;
};

/// What all links of one client share. The references must outlive the links.
struct ClientSurroundings {
  ClientName name;
  std::vector<SaeId> sae_ids;
  EventLoop& loop;
  const Clock& clock;
  HubTransport& transport;
  RegistrationStore& registrations;
  std::function<void()> state_changed = [] {};  ///< called after a link's state has changed
  /// Called with a block that a hub, in a verified answer, has said not to know: it was taken from the pool.
  std::function<void(const BlockId&)> block_gone = [](const BlockId& /*block*/) {};
};

/// An answer that verified.
struct HubReply {
  int status = 0;
  SecretBytes body;

  /// "answered 403: MESSAGE", of one that is no success.
  [[nodiscard]] std::string refusal() const;
  /// The text of a hub's {"message": ...}, bounded and in one line; whoever sent it, it is only shown.
  [[nodiscard]] static std::string message_of(const SecretBytes& body);
};

/// Lives on one event loop: every function is called there, and every callback runs there. Owned by shared
/// pointers, since calls in flight keep it.
class HubLink : public std::enable_shared_from_this<HubLink> {
 public:
  enum class State {
    no_psrd,
    registering,
    registered,
    unreachable,
    /// It answers, and has accepted none of our blocks as a signature: its store may have been lost, or made
    /// anew. Or somebody else answers in its place: none of it is authenticated, so nothing is given up for
    /// it.
    refused,
    set_aside,  ///< by set_aside()
  };
  using Reply = UniqueFunction<void(Result<HubReply>)>;

  [[nodiscard]] static std::shared_ptr<HubLink> make(HubAddress address, std::shared_ptr<LeasedPool> pool,
                                                     const ClientSurroundings& client);

  [[nodiscard]] const HubAddress& address() const { return address_; }
  void set_endpoint(std::string endpoint) { address_.endpoint = std::move(endpoint); }
  [[nodiscard]] LeasedPool& pool() { return *pool_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool registered() const { return state_ == State::registered; }
  /// Why the hub is not registered with or could not be called last, for an operator; empty if all is well.
  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  [[nodiscard]] const HubLimits& limits() const { return limits_; }

  /// Registers, and goes on trying until it has succeeded; then again every hour. To be called at the start
  /// and whenever PSRD was added.
  void register_now();
  /// PSRD was added: registers with it, at once. Blocks that were refused before sign nothing meanwhile.
  void psrd_added();
  /// How many registrations in a row the hub has refused unsigned, and since when.
  [[nodiscard]] std::uint64_t refusals() const { return refusals_; }
  [[nodiscard]] MonotonicTime refused_since() const { return refused_since_; }
  /// How many blocks of ours the hub has said, authenticated, not to know.
  [[nodiscard]] std::uint64_t unknown_blocks() const { return unknown_blocks_; }

  /// What becomes of the PSRD at the hub when the client leaves.
  enum class Leaving { keep_psrd, wipe_psrd };
  /// Ends the registration at the hub, then sets the link aside. Errors as of call(): the hub did not confirm
  /// it, and the link stays as it was. What this side does with the PSRD is the caller's business.
  void leave(Leaving how, UniqueFunction<void(Result<void>)> done);
  /// Makes no calls and no registrations any more, until resume().
  void set_aside();
  void resume();

  /// Calls `done` when the registration attempt that is under way or due has ended; at once if there is none.
  void after_registration(Task done);

  /// Forgets its timer and whoever waits, who may in turn hold the link. For the end: nothing is called any
  /// more.
  void close();

  /// A request's body, and what it is.
  struct Body {
    Body(SecretBytes content = {}, std::string_view type = kJsonContentType)  // NOLINT(*-explicit-*)
        : bytes(std::move(content)), content_type(type) {}
    SecretBytes bytes;
    std::string_view content_type;  ///< a literal
  };

  /// Sends an authenticated request and hands over the answer if it verifies. `path` is what follows
  /// /hub/NAME/dske/api/v1. Errors: exhausted (PSRD), unauthenticated (the hub did not accept our signature;
  /// the link registers again by itself), unavailable (no answer, or none that verifies).
  void call(std::string method, std::string path, Body body, Reply done);

  /// Asks for the bundles that wait for this client; the answer, a PendingList if its status is 200, verified
  /// under the polling key. It may take as long as `question` lets the hub wait.
  void poll(const PendingQuestion& question, Reply done);
  /// The number of the registration that stands; cursors of the pending list hold as long as it does.
  [[nodiscard]] std::uint64_t registration_number() const { return registration_number_; }

  /// Where own fragments in use start.
  using StartsInUse = PerZone<std::set<std::pair<BlockId, std::uint64_t>>>;

  /// Own PSRD bytes of a message that is being prepared or under way: until it is destroyed, no registration
  /// tells the hub to discard them.
  class InUse {
   public:
    InUse(std::shared_ptr<StartsInUse> starts, Zone zone, Allocation allocation);
    ~InUse();
    InUse(InUse&& other) noexcept = default;
    InUse& operator=(InUse&&) = delete;
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    std::shared_ptr<StartsInUse> starts_;
    Zone zone_;
    Allocation allocation_;
  };

  /// A pad for one message to this hub.
  struct Pad {
    Reserved reserved;
    InUse in_use;
  };
  void reserve_pad(std::uint64_t size_bytes, UniqueFunction<void(Result<Pad>)> done);

  /// Notes that a share or context from this hub proved wrong; logs it, naming the hub.
  void report_wrong_share(const std::string& what);
  [[nodiscard]] std::uint64_t wrong_shares() const { return wrong_shares_; }

 private:
  // A signed registration that has not been answered. Until somebody has seen it, it is sent again byte for
  // byte while the hub cannot be reached, so that a hub that is down costs no PSRD.
  struct PendingRegistration {
    RegistrationRequest request;
    SecretBytes polling_key;
    Reserved key;
    InUse polling_key_in_use;
    InUse key_in_use;
  };

  HubLink(HubAddress address, std::shared_ptr<LeasedPool> pool, const ClientSurroundings& client);

  [[nodiscard]] std::string target(const std::string& path) const;
  void send_signed(Epoch epoch, std::string method, const std::string& path, Body body, Reserved key,
                   Reply done);
  [[nodiscard]] Result<HubReply> verify(const RequestParts& request, const MacTag& tag, HubAnswer answer);
  void unreachable(const Error& error);
  /// The hub did not accept our signature: registers again, now or when the pause after the last such time is
  /// over.
  void not_accepted();
  void set_state(State state);

  void start_registration();
  void prepare_registration(std::uint64_t number);
  void make_registration(std::uint64_t number, Reserved polling_key, Reserved key);
  void send_registration();
  void registration_answered(Result<HubReply> reply);
  void accept(const RegistrationAnswer& answer);
  void discard_used(const RegistrationAnswer& answer);
  /// `spent`: the hub has seen the message, or whoever answers in its place, so the next attempt needs a new
  /// one.
  void registration_failed(const Error& error, bool spent);
  void register_after(std::chrono::nanoseconds delay);
  /// The hub may not know the block that signed the registration which it did not accept (its store was set
  /// back): the next one is signed with another block, if there is one, and the answer to it tells which are
  /// unknown.
  void try_another_block();
  /// Blocks that were set aside are used again if the others cannot sign a registration.
  void use_all_if_none_signs();
  void note_refusal();
  [[nodiscard]] bool refuses_all_blocks() const;
  void send_leave(Leaving how, bool may_retry, UniqueFunction<void(Result<void>)> done);
  [[nodiscard]] bool lists_all_blocks(const RegistrationRequest& request) const;
  void end_attempt();

  [[nodiscard]] std::uint64_t lowest_in_use(const BlockId& block, Zone zone) const;

  HubAddress address_;
  std::shared_ptr<LeasedPool> pool_;
  const ClientSurroundings& client_;

  State state_ = State::no_psrd;
  std::string last_error_;
  Epoch epoch_;
  HubLimits limits_;
  SecretBytes polling_key_;
  std::uint64_t registration_number_ = 0;
  std::uint64_t polling_counter_ = 0;

  bool attempting_ = false;
  bool again_ = false;  // register once more when the present attempt has ended
  bool due_ = false;    // the timer is that of an attempt to come soon, not of the hourly one
  std::chrono::milliseconds retry_delay_{0};  // of the same message
  std::chrono::milliseconds spent_delay_{0};  // of a new one, which costs PSRD
  std::chrono::milliseconds pause_{0};        // between registrations that unsigned answers cause
  MonotonicTime pause_end_;
  std::optional<EventLoop::TimerId> timer_;
  std::unique_ptr<PendingRegistration> pending_;
  std::vector<Task> waiting_;

  std::shared_ptr<StartsInUse> in_use_ = std::make_shared<StartsInUse>();
  std::vector<BlockPositions> hub_positions_;  // where the hub's zones stood at hub_positions_at_
  MonotonicTime hub_positions_at_;
  std::uint64_t wrong_shares_ = 0;

  std::set<BlockId>
      refused_blocks_;  // that signed registrations which the hub refused, since the last good one
  std::uint64_t refusals_ = 0;
  MonotonicTime refused_since_;
  std::uint64_t unknown_blocks_ = 0;
};

/// Nothing if at least `needed` of the links are registered, else an error that names the others with their
/// causes: to ask fewer would be of no use, and cost PSRD.
[[nodiscard]] std::optional<Error> too_few_registered(const std::vector<std::shared_ptr<HubLink>>& links,
                                                      std::size_t needed);

}  // namespace dske
