// Writes the head of an answer.
#pragma once

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "http/message.h"

namespace dske::http {

/// What the request and the connection ask of its answer.
struct AnswerForm {
  bool is_head_request = false;  ///< the body is announced but not sent
  bool is_http_1_0 = false;
  bool close = false;     ///< this is the connection's last answer
  std::string_view date;  ///< for the Date header
};

/// Whether an answer of this status has a body at all (RFC 9110, 6.4.1).
[[nodiscard]] bool status_has_body(int status);

/// Status line and headers with the empty line after them. A header that would break the message's frame, or
/// that is the server's own business, is left out.
[[nodiscard]] SecretBytes response_head(const Response& response, const AnswerForm& form);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
[[nodiscard]] std::string http_date(std::time_t time);

}  // namespace dske::http
