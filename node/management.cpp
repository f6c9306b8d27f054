#include "node/management.h"

namespace dske::node {
namespace {

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
    case ErrorKind::corrupt:
      return 400;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::forbidden:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::exhausted:
    case ErrorKind::unavailable:
    case ErrorKind::io:
      return 503;
    case ErrorKind::internal:
      break;
  }
  return 500;
}

}  // namespace

void ManagementReply::fail(const Error& error) {
  reply_.send(http::message_response(http_status(error.kind), error.message));
}

http::Route management_route(const std::shared_ptr<const SecretBytes>& token, std::string method,
                             std::string pattern, ManagementHandler handler) {
  return {std::move(method), std::move(pattern),
          [token, handler = std::move(handler)](const http::Request& request, http::Reply reply) {
            constexpr std::string_view kScheme = "Bearer ";
            const std::string_view header = request.header("Authorization");
            if (!header.starts_with(kScheme) ||
                !constant_time_equal(as_bytes(header.substr(kScheme.size())), token->view())) {
              http::Response refusal = http::message_response(
                  401, "needs Authorization: Bearer with the token of STATE_DIR/management.token");
              refusal.headers.push_back({"WWW-Authenticate", "Bearer"});
              reply.send(std::move(refusal));
              return;
            }
            handler(request, ManagementReply(std::move(reply)));
          }};
}

}  // namespace dske::node
