#include "node/management.h"

#include "node/error_status.h"

namespace dske::node {
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
