#include "http/message.h"

#include "base/json.h"
#include "http/request_head.h"

namespace dske::http {

std::string_view Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

Response message_response(int status, std::string_view message) {
  json::Writer writer;
  writer.begin_object().name("message").string(message).end_object();
  Response response;
  response.status = status;
  response.body = writer.take();
  return response;
}

}  // namespace dske::http
