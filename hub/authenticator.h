// Verifies what clients send and signs what the hub answers (docs/protocol.md, section 2).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "dske/hub_transport.h"
#include "dske/message_authentication.h"
#include "dske/polling_authentication.h"
#include "http/server.h"
#include "hub/client_registry.h"
#include "hub/failure_limiter.h"

namespace dske::hub {

/// A request that verified, with what its answer must be bound to, and the right to answer it. Move-only.
class VerifiedRequest {
 public:
  VerifiedRequest(std::shared_ptr<Client> client, HubId hub, Epoch epoch, MacTag tag, http::Request request,
                  http::Reply reply);

  [[nodiscard]] const std::shared_ptr<Client>& client() const { return client_; }
  [[nodiscard]] const http::Request& request() const { return request_; }
  [[nodiscard]] std::string_view body() const { return request_.body.text(); }

  /// Takes the bytes that will sign the answer at once, for a request whose consequences take the PSRD away.
  /// `done` gets the request back; without them it is answered here, unsigned 503.
  static void take_answer_key(VerifiedRequest request, UniqueFunction<void(VerifiedRequest)> done);

  /// Answers, signed with the hub's bytes of this client's PSRD; unsigned 503 if there are none. From any
  /// thread, once.
  void answer(int status, SecretBytes body, std::string_view content_type = kJsonContentType);
  /// Answers {"message": ...} with the status that fits the error's kind.
  void refuse(const Error& error);
  void refuse(int status, std::string_view message);

 private:
  void sign(const Reserved& key, int status, SecretBytes body, std::string_view content_type);

  std::shared_ptr<Client> client_;
  HubId hub_;
  Epoch epoch_;
  MacTag tag_;
  http::Request request_;
  http::Reply reply_;
  std::optional<Reserved> answer_key_;
};

/// Thread-safe.
class Authenticator {
 public:
  Authenticator(const HubId& hub, const Epoch& epoch, const ClientRegistry& clients,
                FailureLimiter& failures);

  /// A handler that is called for verified requests only; the others are answered here, unsigned, and change
  /// nothing. Verified requests of a disabled client are answered with a signed 403.
  using Handler = std::function<void(VerifiedRequest)>;
  [[nodiscard]] http::Handler verified(Handler handler) const;
  /// The same for PUT registration, whose sender cannot know the epoch.
  [[nodiscard]] http::Handler verified_without_epoch(Handler handler) const;

  /// A poll that verified, and how to answer it.
  class Poll {
   public:
    Poll(std::shared_ptr<Client> client, HubId hub, Epoch epoch, PollingRequest polling,
         http::Request request, http::Reply reply);
    [[nodiscard]] const std::shared_ptr<Client>& client() const { return client_; }
    [[nodiscard]] const http::Request& request() const { return request_; }
    /// Whether the client is still enabled, and registered as it was when it asked.
    [[nodiscard]] bool stands() const;
    /// Answers, under the polling key; unsigned 401 if the poll does not stand any more. From any thread,
    /// once.
    void answer(int status, SecretBytes json);

   private:
    std::shared_ptr<Client> client_;
    HubId hub_;
    Epoch epoch_;
    PollingRequest polling_;
    http::Request request_;
    http::Reply reply_;
  };
  [[nodiscard]] http::Handler verified_poll(std::function<void(Poll)> handler) const;

  [[nodiscard]] const Epoch& epoch() const { return epoch_; }

 private:
  [[nodiscard]] http::Handler verified_under(const Epoch& epoch, Handler handler) const;
  [[nodiscard]] Result<std::pair<std::shared_ptr<Client>, MacTag>> verify(const http::Request& request,
                                                                          const Epoch& epoch) const;
  [[nodiscard]] bool admits(const http::Request& request, http::Reply& reply) const;
  void reject(const http::Request& request, http::Reply reply, const Error& error) const;

  HubId hub_;
  Epoch epoch_;
  const ClientRegistry& clients_;
  FailureLimiter& failures_;
};

/// {"message": MESSAGE}.
[[nodiscard]] SecretBytes message_json(std::string_view message);

}  // namespace dske::hub
