// The lines of an HTTP/1.1 request's head, taken apart strictly (RFC 9112). Pure: no sockets, no state.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace dske::http {

/// Why a request is not served: the status to answer with, and a message for the answer's body.
struct Refusal {
  int status = 0;
  std::string_view message;  ///< a literal
};

/// A request's head and what it says about the bytes that follow it.
struct RequestHead {
  enum class Body { none, of_length, chunked };

  Request request;  ///< method, path, query and headers; the rest is not the head's
  bool is_http_1_0 = false;
  Body body = Body::none;
  std::size_t content_length = 0;
  bool keep_alive = false;        ///< the connection may serve another request
  bool expects_continue = false;  ///< the sender waits for "100 Continue" before it sends the body
};

/// Reads METHOD SP TARGET SP VERSION (without the line's end) into `head`. The target is in origin form, in
/// absolute form (whose authority is dropped: one server, one site) or, for OPTIONS alone, "*".
[[nodiscard]] std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head);

/// Reads NAME ":" OWS VALUE OWS (without the line's end) and appends it. White space before the colon and
/// folded lines are refused (RFC 9112, 5.1 and 5.2).
[[nodiscard]] std::optional<Refusal> parse_header_line(std::string_view line, std::vector<Header>& headers);

/// Checks Host and reads what Content-Length, Transfer-Encoding, Connection, Expect and Content-Encoding say.
/// Every form on which two parsers could disagree about the body's end is refused (RFC 9112, 6.3 and 11.2).
[[nodiscard]] std::optional<Refusal> interpret_headers(RequestHead& head, std::size_t most_body_bytes);

/// Whether `a` and `b` are equal but for the case of ASCII letters.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Whether `text` is a token (RFC 9110, 5.6.2): a method or a header's name.
[[nodiscard]] bool is_token(std::string_view text);

/// Whether `text` may stand as a header's value: no control characters but the tab.
[[nodiscard]] bool is_header_value(std::string_view text);

}  // namespace dske::http
