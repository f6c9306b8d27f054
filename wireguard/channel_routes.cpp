#include "wireguard/channel_routes.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/base64.h"
#include "base/rate_limiter.h"
#include "wireguard/adapter_tls.h"
#include "wireguard/batches.h"

namespace dske::wireguard {
namespace {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return 400;
    case ErrorKind::forbidden:
    case ErrorKind::unauthenticated:
      return 403;
    case ErrorKind::not_found:
      return 404;
    default:
      return 500;
  }
}

http::Response refusal(const Error& error) {
  return http::message_response(status_of(error.kind), error.message);
}

http::Response too_many_requests() {
  http::Response response = http::message_response(429, "adapters of this SAE ask too often");
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

http::Response json_response(int status, SecretBytes body) {
  return {status, "application/json", {}, std::move(body)};
}

Result<SaeId> caller_of(const http::Request& request) {
  if (!request.identity) return Error{ErrorKind::forbidden, "a client certificate is needed"};
  return sae_of_certificate(*request.identity);
}

// "adapter=HEX" and nothing else.
Result<AdapterId> adapter_of(std::string_view query) {
  constexpr std::string_view kName = "adapter=";
  AdapterId id{};
  const auto bytes = hex_decode(query.starts_with(kName) ? query.substr(kName.size()) : "");
  if (!bytes || bytes->size() != id.size())
    return invalid("the query must be adapter=ID with 16 bytes in hexadecimal");
  std::copy(bytes->begin(), bytes->end(), id.begin());
  return id;
}

// Everything that a handler does: on the loop, as the SAE that calls.
using Action = std::function<void(const SaeId&, const http::Request&, http::Reply)>;

class LimitedRoutes {
 public:
  LimitedRoutes(http::ClientLoop& loop, std::uint32_t requests_per_second)
      : loop_(loop), rate_(std::make_shared<RateLimiter>(requests_per_second)) {}

  void add(std::string method, std::string path, Action action) {
    routes_.push_back(
        {std::move(method), std::move(path),
         [&loop = loop_, rate = rate_, action = std::move(action)](http::Request request, http::Reply reply) {
           auto caller = caller_of(request);
           if (!caller) return reply.send(refusal(caller.error()));
           if (!rate->reserve(caller->text(), RateLimiter::Time::clock::now()))
             return reply.send(too_many_requests());
           loop.post([action, caller = std::move(*caller), request = std::move(request),
                      reply = std::move(reply)]() mutable { action(caller, request, std::move(reply)); });
         }});
  }
  [[nodiscard]] std::vector<http::Route> take() { return std::move(routes_); }

 private:
  http::ClientLoop& loop_;
  const std::shared_ptr<RateLimiter> rate_;
  std::vector<http::Route> routes_;
};

}  // namespace

std::vector<http::Route> channel_routes(http::ClientLoop& loop, ChannelReceiver& receiver,
                                        std::uint32_t requests_per_second) {
  LimitedRoutes routes(loop, requests_per_second);
  routes.add("GET", "/v1/dske/info",
             [&receiver](const SaeId& caller, const http::Request&, http::Reply reply) {
               auto info = receiver.info(caller);
               reply.send(info ? json_response(200, std::move(*info)) : refusal(info.error()));
             });
  for (const std::string_view kind : kMessageKinds) {
    routes.add(
        "POST", "/v1/dske/" + std::string(kind),
        [&receiver, kind](const SaeId& caller, const http::Request& request, http::Reply reply) {
          const auto batch = parse_batch(kind, request.body.text());
          if (!batch) return reply.send(refusal(batch.error()));
          const auto answer = receiver.take(caller, *batch, request.tls_exported.get());
          if (!answer) return reply.send(refusal(answer.error()));
          reply.send(json_response(kind == "state" ? 200 : 202, SecretBytes::copy_of(to_json(*answer))));
        });
  }
  routes.add("GET", "/v1/dske/messages",
             [&receiver](const SaeId& caller, const http::Request& request, http::Reply reply) {
               const auto id = adapter_of(request.query);
               if (!id) return reply.send(refusal(id.error()));
               receiver.collect(caller, *id, std::move(reply));
             });
  return routes.take();
}

}  // namespace dske::wireguard
