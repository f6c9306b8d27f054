#include "http/request_head.h"

#include <algorithm>
#include <string>

namespace dske::http {
namespace {

constexpr std::size_t kMostMethodBytes = 32;

Refusal bad(std::string_view message) {
  return {400, message};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_token_character(char c) {
  return is_digit(c) || is_letter(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Visible ASCII without "#" (a fragment is never sent), every "%" followed by two hexadecimal digits.
bool is_target(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= 0x20 || c >= 0x7f || c == '#') return false;
    if (c == '%' && (i + 2 >= text.size() || !is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2])))
      return false;
  }
  return true;
}

/// What a host and port are made of (RFC 3986, 3.2.2), without user information and without the comma, on
/// which proxies split lists.
bool is_authority(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) ||
           std::string_view("-._~%!$&'()*+;=:[]").find(c) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether a comma-separated list holds `token`.
bool list_has(std::string_view list, std::string_view token) {
  while (true) {
    const std::size_t comma = list.find(',');
    if (equal_ignoring_case(trimmed(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

std::optional<Refusal> parse_target(std::string_view target, RequestHead& head) {
  if (target == "*") {
    if (head.request.method != "OPTIONS") return bad("the target * is for OPTIONS alone");
    head.request.path = "*";
    return std::nullopt;
  }
  if (!is_target(target))
    return bad(
        "the request target holds characters that must be percent-encoded, or a percent sign without two "
        "hexadecimal digits after it");
  if (target.front() != '/') {
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return bad("the request target is not a path");
    const std::string_view name = target.substr(0, scheme);
    if (!equal_ignoring_case(name, "http") && !equal_ignoring_case(name, "https")) {
      return bad("the request target has an unknown scheme");
    }
    target.remove_prefix(scheme + 3);
    const std::size_t end = target.find_first_of("/?");
    if (!is_authority(target.substr(0, end))) return bad("the request target has a bad authority");
    target.remove_prefix(std::min(end, target.size()));
  }
  const std::size_t question = target.find('?');
  head.request.path = target.substr(0, question);
  if (head.request.path.empty()) head.request.path = "/";
  if (question != std::string_view::npos) head.request.query = target.substr(question + 1);
  return std::nullopt;
}

/// The number that 1*DIGIT spells, at most `most` + 1.
std::optional<std::size_t> parse_length(std::string_view text, std::size_t most) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::size_t length = 0;
  for (const char c : text) {
    const auto digit = static_cast<std::size_t>(c - '0');
    if (length > (most - std::min(most, digit)) / 10) return most + 1;
    length = length * 10 + digit;
  }
  return length;
}

/// The headers that decide how a request is framed, with how often each occurs.
struct FramingHeaders {
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::string_view host;
  std::string_view length;
  std::string_view coding;
  bool close = false;
  bool keep_alive = false;
};

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return bad("the request line is not METHOD TARGET VERSION");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);

  if (!is_token(method)) return bad("the method is not a token");
  const bool is_version = version.size() == 8 && version.substr(0, 5) == "HTTP/" && is_digit(version[5]) &&
                          version[6] == '.' && is_digit(version[7]);
  if (!is_version) return bad("the request line does not end in an HTTP version");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return Refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  // CONNECT's target is of a form of its own.
  if (method.size() > kMostMethodBytes || method == "CONNECT") return Refusal{501, "the method is not known"};

  head.is_http_1_0 = version == "HTTP/1.0";
  head.request.method = method;
  if (target.empty()) return bad("the request target is empty");
  return parse_target(target, head);
}

std::optional<Refusal> parse_header_line(std::string_view line, std::vector<Header>& headers) {
  if (line.front() == ' ' || line.front() == '\t') return bad("a header is folded over several lines");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bad("a header has no colon");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return bad("a header's name is not a token");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_header_value(value)) return bad("a header's value holds a control character");
  headers.push_back({std::string(name), std::string(value)});
  return std::nullopt;
}

std::optional<Refusal> interpret_headers(RequestHead& head, std::size_t most_body_bytes) {
  FramingHeaders found;
  for (const Header& header : head.request.headers) {
    if (equal_ignoring_case(header.name, "host")) {
      ++found.hosts;
      found.host = header.value;
    } else if (equal_ignoring_case(header.name, "content-length")) {
      ++found.lengths;
      found.length = header.value;
    } else if (equal_ignoring_case(header.name, "transfer-encoding")) {
      ++found.codings;
      found.coding = header.value;
    } else if (equal_ignoring_case(header.name, "connection")) {
      found.close = found.close || list_has(header.value, "close");
      found.keep_alive = found.keep_alive || list_has(header.value, "keep-alive");
    } else if (equal_ignoring_case(header.name, "expect") && !head.is_http_1_0) {
      if (!equal_ignoring_case(header.value, "100-continue"))
        return Refusal{417, "the expectation is not known"};
      head.expects_continue = true;
    } else if (equal_ignoring_case(header.name, "content-encoding")) {
      if (!equal_ignoring_case(header.value, "identity"))
        return Refusal{415, "encoded bodies are not accepted"};
    }
  }

  if (found.hosts > 1) return bad("Host occurs more than once");
  if (found.hosts == 0 && !head.is_http_1_0) return bad("Host is missing");
  if (found.hosts == 1 && !is_authority(found.host))
    return bad("Host is not a host name with an optional port");

  head.keep_alive = !found.close && (!head.is_http_1_0 || found.keep_alive);

  if (found.lengths > 1) return bad("Content-Length occurs more than once");
  if (found.codings > 1) return bad("Transfer-Encoding occurs more than once");
  if (found.codings == 1) {
    if (found.lengths == 1) return bad("Content-Length and Transfer-Encoding exclude each other");
    if (head.is_http_1_0) return bad("HTTP/1.0 has no Transfer-Encoding");
    if (!equal_ignoring_case(found.coding, "chunked"))
      return Refusal{501, "the transfer coding is not known"};
    head.body = RequestHead::Body::chunked;
  } else if (found.lengths == 1) {
    const std::optional<std::size_t> length = parse_length(found.length, most_body_bytes);
    if (!length) return bad("Content-Length is not a number");
    if (*length > most_body_bytes) return Refusal{413, "the body is too large"};
    head.content_length = *length;
    if (*length > 0) head.body = RequestHead::Body::of_length;
  } else if (head.is_http_1_0 && (head.request.method == "POST" || head.request.method == "PUT")) {
    // In HTTP/1.0 a body without a length ends with the connection (RFC 1945, 7.2.2), which nobody can tell
    // from a loss.
    return Refusal{411, "Content-Length is missing"};
  }
  if (head.body == RequestHead::Body::none) head.expects_continue = false;
  return std::nullopt;
}

}  // namespace dske::http
