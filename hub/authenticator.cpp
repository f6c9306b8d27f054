#include "hub/authenticator.h"

#include <utility>

#include "base/fault_point.h"
#include "base/json.h"
#include "base/log.h"
#include "node/error_status.h"

namespace dske::hub {
namespace {

constexpr std::string_view kDisabled = "the hub's operator has disabled this client";

}  // namespace

SecretBytes message_json(std::string_view message) {
  json::Writer writer;
  writer.begin_object().name("message").string(message).end_object();
  return writer.take();
}

VerifiedRequest::VerifiedRequest(std::shared_ptr<Client> client, HubId hub, Epoch epoch, MacTag tag,
                                 http::Request request, http::Reply reply)
    : client_(std::move(client)),
      hub_(hub),
      epoch_(epoch),
      tag_(tag),
      request_(std::move(request)),
      reply_(std::move(reply)) {}

void VerifiedRequest::take_answer_key(VerifiedRequest request, UniqueFunction<void(VerifiedRequest)> done) {
  LeasedPool& pool = request.client_->pool();
  pool.allocate(
      Zone::authenticator, kOneTimeMacKeySize,
      [request = std::move(request), done = std::move(done)](Result<Reserved> key) mutable {
        if (!key) {
          return request.reply_.send(http::message_response(503, "cannot sign: " + key.error().message));
        }
        request.answer_key_ = std::move(*key);
        done(std::move(request));
      });
}

void VerifiedRequest::sign(const Reserved& key, int status, SecretBytes body, std::string_view content_type) {
  const std::string target = request_.target();
  const RequestParts parts{hub_, epoch_, request_.method, target, {}};
  const MacTag tag = answer_tag(key.bytes.view(), parts, {tag_, status, body.view()});
  http::Response response{status, std::string(content_type), {}, std::move(body)};
  response.headers.push_back({std::string(kSignatureHeader), Signature{key.allocation, tag}.text()});
  pass(FaultPoint::hub_answer);
  reply_.send(std::move(response));
  pass(FaultPoint::hub_answered);
}

void VerifiedRequest::answer(int status, SecretBytes body, std::string_view content_type) {
  if (answer_key_) return sign(*answer_key_, status, std::move(body), content_type);
  LeasedPool& pool = client_->pool();
  pool.allocate(
      Zone::authenticator, kOneTimeMacKeySize,
      [self = std::move(*this), status, body = std::move(body), content_type](Result<Reserved> key) mutable {
        if (!key) {
          log::warning("client {}: cannot sign an answer: {}", self.client_->name().text(),
                       key.error().message);
          self.reply_.send(http::message_response(503, "cannot sign: " + key.error().message));
          return;
        }
        self.sign(*key, status, std::move(body), content_type);
      });
}

void VerifiedRequest::refuse(const Error& error) {
  // PSRD that a verified message names and may not use is a fault of its contents.
  const bool verified_all_the_same = error.kind == ErrorKind::unauthenticated;
  refuse(node::http_status(verified_all_the_same ? ErrorKind::invalid : error.kind), error.message);
}

void VerifiedRequest::refuse(int status, std::string_view message) {
  answer(status, message_json(message));
}

Authenticator::Authenticator(const HubId& hub, const Epoch& epoch, const ClientRegistry& clients,
                             FailureLimiter& failures)
    : hub_(hub), epoch_(epoch), clients_(clients), failures_(failures) {}

bool Authenticator::admits(const http::Request& request, http::Reply& reply) const {
  if (failures_.allows(request.peer_address)) return true;
  http::Response response = http::message_response(429, "too many messages from this address did not verify");
  response.headers.push_back({"Retry-After", "10"});
  reply.send(std::move(response));
  return false;
}

void Authenticator::reject(const http::Request& request, http::Reply reply, const Error& error) const {
  failures_.count_failure(request.peer_address);
  log::debug("{}: {} {} does not verify: {}", request.peer_address, request.method, request.path,
             error.message);
  reply.send(http::message_response(401, error.message));
}

Result<std::pair<std::shared_ptr<Client>, MacTag>> Authenticator::verify(const http::Request& request,
                                                                         const Epoch& epoch) const {
  auto signature = Signature::parse(request.header(kSignatureHeader));
  if (!signature) return signature.error();
  const Error refused{ErrorKind::unauthenticated, "the signature does not verify"};
  const auto client = clients_.by_block(signature->key.front().block);
  if (!client) return refused;
  const auto key = client->pool().peek(Zone::authenticator, signature->key);
  if (!key && key.error().kind == ErrorKind::unauthenticated) return refused;
  if (!key) {
    log::error("client {}: PSRD could not be read: {}", client->name().text(), key.error().message);
    return Error{ErrorKind::unavailable, "the hub could not read its PSRD"};
  }
  const std::string target = request.target();
  const RequestParts parts{hub_, epoch, request.method, target, request.body.view()};
  if (!constant_time_equal(request_tag(key->view(), parts), signature->tag)) return refused;
  // Of two identical messages at once, one gets here first.
  if (auto taken = client->pool().mark_taken(Zone::authenticator, signature->key); !taken) return refused;
  return std::pair{client, signature->tag};
}

http::Handler Authenticator::verified_under(const Epoch& epoch, Handler handler) const {
  return [this, epoch, handler = std::move(handler)](http::Request request, http::Reply reply) {
    if (!admits(request, reply)) return;
    auto sender = verify(request, epoch);
    if (!sender && sender.error().kind == ErrorKind::unavailable) {
      return reply.send(http::message_response(503, sender.error().message));
    }
    if (!sender) return reject(request, std::move(reply), sender.error());
    pass(FaultPoint::hub_verified);
    VerifiedRequest verified(sender->first, hub_, epoch, sender->second, std::move(request),
                             std::move(reply));
    // Signed, so that the client's operator can believe it.
    if (!sender->first->enabled()) return verified.refuse(403, kDisabled);
    handler(std::move(verified));
  };
}

http::Handler Authenticator::verified(Handler handler) const {
  return verified_under(epoch_, std::move(handler));
}

http::Handler Authenticator::verified_without_epoch(Handler handler) const {
  return verified_under(Epoch(), std::move(handler));
}

http::Handler Authenticator::verified_poll(std::function<void(Poll)> handler) const {
  return [this, handler = std::move(handler)](http::Request request, http::Reply reply) {
    if (!admits(request, reply)) return;
    auto polling = PollingRequest::parse(request.header(kPollingHeader));
    if (!polling) return reject(request, std::move(reply), polling.error());
    const auto client = clients_.by_name(polling->numbers.client);
    const std::string target = request.target();
    const RequestParts parts{hub_, epoch_, request.method, target, request.body.view()};
    const bool good =
        client &&
        client->accept_poll(polling->numbers.registration, polling->numbers.counter, [&](ByteView key) {
          return constant_time_equal(polling_request_tag(key, parts, polling->numbers), polling->tag);
        });
    if (!good)
      return reject(request, std::move(reply), {ErrorKind::unauthenticated, "the poll does not verify"});
    // It registers again then, and is told why it cannot by an answer that one-time keys sign.
    if (!client->enabled()) return reply.send(http::message_response(401, kDisabled));
    handler(Poll(client, hub_, epoch_, std::move(*polling), std::move(request), std::move(reply)));
  };
}

Authenticator::Poll::Poll(std::shared_ptr<Client> client, HubId hub, Epoch epoch, PollingRequest polling,
                          http::Request request, http::Reply reply)
    : client_(std::move(client)),
      hub_(hub),
      epoch_(epoch),
      polling_(std::move(polling)),
      request_(std::move(request)),
      reply_(std::move(reply)) {}

bool Authenticator::Poll::stands() const {
  return client_->enabled() && client_->registered() &&
         client_->registration_number() == polling_.numbers.registration;
}

void Authenticator::Poll::answer(int status, SecretBytes json) {
  if (!client_->enabled()) return reply_.send(http::message_response(401, kDisabled));
  if (!stands()) return reply_.send(http::message_response(401, "the client has registered anew, or left"));
  http::Response response{status, "application/json", {}, std::move(json)};
  const std::string target = request_.target();
  const RequestParts parts{hub_, epoch_, request_.method, target, {}};
  client_->with_polling_key([&](ByteView key) {
    const PollingTag tag =
        polling_answer_tag(key, parts, polling_.numbers, polling_.tag, status, response.body.view());
    response.headers.push_back(
        {std::string(kPollingHeader), PollingAnswer{polling_.numbers.counter, tag}.text()});
  });
  reply_.send(std::move(response));
}

}  // namespace dske::hub
