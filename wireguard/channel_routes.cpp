#include "wireguard/channel_routes.h"

#include <memory>
#include <utility>

#include "base/base64.h"
#include "wireguard/link_channel.h"

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

http::Response json_response(int status, SecretBytes body) {
  return {status, "application/json", {}, std::move(body)};
}

Result<SaeId> caller_of(const http::Request& request) {
  if (!request.identity) return Error{ErrorKind::forbidden, "a client certificate is needed"};
  return sae_of_certificate(*request.identity);
}

// "from=HEX&to=HEX", in this order.
Result<Link> link_of(std::string_view query) {
  const Error bad = invalid("the query must be from=KEY&to=KEY with public keys in hexadecimal");
  constexpr std::string_view kFrom = "from=";
  constexpr std::string_view kTo = "&to=";
  constexpr std::size_t kHex = 2 * PublicKey::kBytes;
  if (query.size() != kFrom.size() + kTo.size() + 2 * kHex || !query.starts_with(kFrom) ||
      query.substr(kFrom.size() + kHex, kTo.size()) != kTo) {
    return bad;
  }
  const auto key = [](std::string_view hex) -> Result<PublicKey> {
    const auto bytes = hex_decode(hex);
    if (!bytes) return bytes.error();
    return PublicKey::from_bytes(*bytes);
  };
  const auto from = key(query.substr(kFrom.size(), kHex));
  const auto to = key(query.substr(kFrom.size() + kHex + kTo.size(), kHex));
  if (!from || !to) return bad;
  return Link{*from, *to};
}

// Everything that a handler does: on the loop, as the SAE that calls.
using Action = std::function<void(const SaeId&, const http::Request&, http::Reply)>;

http::Route route(http::ClientLoop& loop, std::string method, std::string path, Action action) {
  return {std::move(method), std::move(path),
          [&loop, action = std::move(action)](http::Request request, http::Reply reply) {
            auto caller = caller_of(request);
            if (!caller) return reply.send(refusal(caller.error()));
            loop.post([action, caller = std::move(*caller), request = std::move(request),
                       reply = std::move(reply)]() mutable { action(caller, request, std::move(reply)); });
          }};
}

}  // namespace

std::vector<http::Route> channel_routes(http::ClientLoop& loop, Adapter& adapter) {
  std::vector<http::Route> routes;
  routes.push_back(route(loop, "GET", "/v1/dske/info",
                         [&adapter](const SaeId& caller, const http::Request&, http::Reply reply) {
                           auto info = adapter.info(caller);
                           reply.send(info ? json_response(200, std::move(*info)) : refusal(info.error()));
                         }));
  for (const std::string kind : {"state", "recover", "confirm", "refuse", "applied"}) {
    routes.push_back(route(
        loop, "POST", "/v1/dske/" + kind,
        [&adapter, kind](const SaeId& caller, const http::Request& request, http::Reply reply) {
          const auto message = parse_message(kind, request.body.text());
          if (!message) return reply.send(refusal(message.error()));
          const auto taken = adapter.take(caller, *message, request.tls_exported.get());
          if (!taken) return reply.send(refusal(taken.error()));
          const bool is_state = kind == "state";
          const std::string answer = is_state ? to_json(taken->link, taken->own) : R"({"accepted":true})";
          reply.send(json_response(is_state ? 200 : 202, SecretBytes::copy_of(answer)));
        }));
  }
  routes.push_back(route(loop, "GET", "/v1/dske/messages",
                         [&adapter](const SaeId& caller, const http::Request& request, http::Reply reply) {
                           const auto link = link_of(request.query);
                           if (!link) return reply.send(refusal(link.error()));
                           adapter.collect(caller, *link, request.tls_exported.get(), std::move(reply));
                         }));
  return routes;
}

}  // namespace dske::wireguard
