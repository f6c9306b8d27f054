#include "http/response_writer.h"

#include <array>

#include <fmt/format.h>
#include <pistache/http_defs.h>

#include "base/log.h"
#include "http/request_head.h"

namespace dske::http {
namespace {

bool is_servers_business(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kNames = {"content-length", "content-type", "connection",
                                                             "date", "transfer-encoding"};
  for (const std::string_view own : kNames) {
    if (equal_ignoring_case(name, own)) return true;
  }
  return false;
}

void append_header(SecretBytes& head, std::string_view name, std::string_view value) {
  head.append(name);
  head.append(": ");
  head.append(value);
  head.append("\r\n");
}

}  // namespace

bool status_has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

SecretBytes response_head(const Response& response, const AnswerForm& form) {
  SecretBytes head;
  head.reserve(512);
  head.append(fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                          Pistache::Http::codeString(static_cast<Pistache::Http::Code>(response.status))));
  append_header(head, "Date", form.date);
  if (status_has_body(response.status)) {
    if (!response.content_type.empty() && is_header_value(response.content_type)) {
      append_header(head, "Content-Type", response.content_type);
    }
    append_header(head, "Content-Length", fmt::format("{}", response.body.size()));
  }
  if (form.close) {
    append_header(head, "Connection", "close");
  } else if (form.is_http_1_0) {
    append_header(head, "Connection", "keep-alive");
  }
  bool names_cache_control = false;
  for (const Header& header : response.headers) {
    if (is_servers_business(header.name)) continue;
    if (!is_token(header.name) || !is_header_value(header.value)) {
      log::error("an answer's header was left out: it is not a header");
      continue;
    }
    names_cache_control = names_cache_control || equal_ignoring_case(header.name, "cache-control");
    append_header(head, header.name, header.value);
  }
  if (!names_cache_control) append_header(head, "Cache-Control", "no-store");
  head.append("\r\n");
  return head;
}

std::string http_date(std::time_t time) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  if (gmtime_r(&time, &utc) == nullptr) return {};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(utc.tm_wday)],
                     utc.tm_mday, kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace dske::http
