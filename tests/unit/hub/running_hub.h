// A hub without sockets: its handlers over a real store, and clients that speak to them by hand.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/temporary_directory.h"
#include "dske/psrd_pool.h"
#include "dske/registration_message.h"
#include "dske/simulated_loop.h"
#include "hub/authenticator.h"
#include "hub/client_registry.h"
#include "hub/failure_limiter.h"
#include "hub/registration.h"
#include "hub/relay.h"
#include "store/store_fixture.h"

namespace dske::hub::test {

using dske::test::SimulatedClock;
using dske::test::TemporaryDirectory;

/// A client with one block of PSRD, which it takes from in order and never looks after.
class HandClient {
 public:
  HandClient(ClientName name, store::test::NewBlock block)
      : name_(std::move(name)), block_(std::move(block)) {}

  [[nodiscard]] const ClientName& name() const { return name_; }
  [[nodiscard]] const BlockId& block() const { return block_.id; }
  [[nodiscard]] const PsrdLayout& layout() const { return block_.layout; }

  /// The next bytes of a zone of the client's half.
  [[nodiscard]] Reserved take(Zone zone, std::uint64_t size);
  /// Any bytes of the block.
  [[nodiscard]] SecretBytes read(const Allocation& allocation) const;
  /// Where the client stands, having seen nothing of the hub's zones.
  [[nodiscard]] BlockPositions positions() const;

 private:
  ClientName name_;
  store::test::NewBlock block_;
  PerZone<std::uint64_t> taken_;
};

struct Answer {
  http::Response response;
  [[nodiscard]] int status() const { return response.status; }
  [[nodiscard]] std::string_view body() const { return response.body.text(); }
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// What a handler answers to a request, once it has.
[[nodiscard]] Answer answer_of(const http::Handler& handler, http::Request request);
/// The same without waiting.
[[nodiscard]] std::future<Answer> start(const http::Handler& handler, http::Request request);

[[nodiscard]] http::Request request(std::string method, std::string path, std::string query = "",
                                    SecretBytes body = {});
[[nodiscard]] http::Request copy_of(const http::Request& request);

/// A hub with the clients carol, celia and mallory, each with an SAE of its name.
class RunningHub {
 public:
  explicit RunningHub(const RelayLimits& limits = {});
  ~RunningHub();
  RunningHub(const RunningHub&) = delete;
  RunningHub& operator=(const RunningHub&) = delete;

  /// Ends the hub and starts it again on the same store.
  void restart();

  /// Assigns a block of 16 KiB each way, which is not registered yet.
  [[nodiscard]] HandClient assign(std::string_view client);
  /// The same, registered as number 1.
  [[nodiscard]] HandClient registered(std::string_view client);
  [[nodiscard]] RegistrationRequest registration_of(HandClient& client, std::uint64_t number) const;
  /// Sends a registration.
  [[nodiscard]] Answer register_as(HandClient& client, const RegistrationRequest& message);

  /// Signs the request with the client's next authenticator bytes, or `key`.
  void sign(HandClient& client, http::Request& request, std::optional<Reserved> key = {},
            std::optional<Epoch> epoch = {}) const;
  /// Sends a request that the client signs, and checks that the answer is signed for it.
  [[nodiscard]] Answer call(HandClient& client, const http::Handler& handler, http::Request request) const;
  /// Whether the answer's signature is the hub's, for this request.
  [[nodiscard]] bool is_signed(const HandClient& client, const http::Request& request, const Answer& answer,
                               std::optional<Epoch> epoch = {}) const;

  /// A handler of the relay's.
  [[nodiscard]] http::Handler relayed(void (Relay::*method)(VerifiedRequest)) const;
  /// Answers 200 to every request that verifies.
  [[nodiscard]] http::Handler echo() const;
  [[nodiscard]] http::Handler registering() const;
  [[nodiscard]] http::Handler leaving() const;

  [[nodiscard]] std::shared_ptr<Client> client(std::string_view name) const;
  [[nodiscard]] const HubId& id() const { return id_; }
  [[nodiscard]] const Epoch& epoch() const { return parts_->authenticator.epoch(); }
  [[nodiscard]] Authenticator& authenticator() const { return parts_->authenticator; }
  [[nodiscard]] Relay& relay() const { return parts_->relay; }
  [[nodiscard]] WaitingPolls& polls() const { return parts_->polls; }
  [[nodiscard]] ClientRegistry& clients() const { return parts_->clients; }
  [[nodiscard]] store::HubStore& store() const { return *store_; }
  [[nodiscard]] SimulatedClock& clock() { return clock_; }

 private:
  // What ends and begins with the daemon.
  struct Parts {
    Parts(const HubId& id, const HubConfig& config, store::HubStore& store, const Clock& clock);
    ClientRegistry clients;
    FailureLimiter failures;
    Authenticator authenticator;
    Registration registration;
    WaitingPolls polls;
    Relay relay;
  };
  void begin();
  void end();

  TemporaryDirectory directory_;
  SimulatedClock clock_;
  HubConfig config_;
  HubId id_;
  std::unique_ptr<store::HubStore> store_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dske::hub::test
