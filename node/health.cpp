#include "node/health.h"

#include "base/json.h"

namespace dske::node {

std::vector<http::Route> health_routes(const Readiness& readiness) {
  std::vector<http::Route> routes;
  routes.push_back({"GET", "/healthz", [](const http::Request& /*request*/, http::Reply reply) {
                      json::Writer body;
                      body.begin_object().name("status").string("ok").end_object();
                      reply.send({200, "application/json", {}, body.take()});
                    }});
  routes.push_back({"GET", "/readyz", [readiness](const http::Request& /*request*/, http::Reply reply) {
                      const std::string reason = readiness();
                      json::Writer body;
                      body.begin_object().name("ready").boolean(reason.empty());
                      if (!reason.empty()) body.name("reason").string(reason);
                      body.end_object();
                      reply.send({reason.empty() ? 200 : 503, "application/json", {}, body.take()});
                    }});
  return routes;
}

}  // namespace dske::node
