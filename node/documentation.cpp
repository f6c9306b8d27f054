#include "node/documentation.h"

#include "base/json.h"
#include "openapi/documents.h"

namespace dske::node {
namespace {

http::Route fixed(std::string path, std::string content_type, std::vector<http::Header> headers,
                  std::string_view content) {
  return {"GET", std::move(path),
          [content_type = std::move(content_type), headers = std::move(headers), content](
              const http::Request& /*request*/, http::Reply reply) {
            reply.send({200, content_type, headers, SecretBytes::copy_of(content)});
          }};
}

}  // namespace

std::vector<http::Route> documentation_routes(std::vector<ApiDocument> documents) {
  std::vector<http::Route> routes;
  json::Writer index;
  index.begin_array();
  for (const ApiDocument& document : documents) {
    const std::string path = "/openapi/" + document.file;
    index.begin_object().name("name").string(document.name).name("url").string(path);
    if (!document.server.empty()) index.name("server").string(document.server);
    index.end_object();
    routes.push_back(fixed(path, "application/json", {}, document.json));
  }
  index.end_array();
  routes.push_back({"GET", "/openapi/index.json",
                    [text = index.take_text()](const http::Request& /*request*/, http::Reply reply) {
                      reply.send({200, "application/json", {}, SecretBytes::copy_of(text)});
                    }});
  routes.push_back(fixed("/openapi.json", "application/json", {}, documents.front().json));
  routes.push_back(
      fixed("/docs", "text/html; charset=utf-8",
            {{"Content-Security-Policy", std::string(openapi::docs_page_content_security_policy())}},
            openapi::docs_page_html()));
  return routes;
}

}  // namespace dske::node
