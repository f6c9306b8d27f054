#include "hub/management.h"

#include <utility>

#include <unistd.h>

#include "base/json.h"
#include "hub/client_routes.h"
#include "hub/psrd_listing.h"
#include "hub/psrd_routes.h"
#include "node/daemon_loop.h"
#include "node/management.h"
#include "node/psrd_report.h"
#include "node/version.h"

namespace dske::hub {
namespace {

void write_provisioner(json::Writer& writer, const Provisioner::Status& status) {
  writer.name("provisioner").begin_object();
  writer.name("enabled").boolean(status.enabled);
  writer.name("files_made").integer(static_cast<std::int64_t>(status.made));
  writer.name("error").string(status.error);
  writer.end_object();
}

void write_randomness(json::Writer& writer, const PsrdRandomness::Status& status) {
  using State = PsrdRandomness::Status::State;
  writer.name("randomness").begin_object();
  writer.name("source");
  if (status.state == State::none) {
    writer.null();
  } else {
    writer.string(status.source);
  }
  writer.name("state").string(status.state == State::none       ? "system"
                              : status.state == State::untested ? "untested"
                              : status.state == State::good     ? "good"
                                                                : "failed");
  writer.name("error").string(status.error);
  writer.name("mixed_bytes").integer(static_cast<std::int64_t>(status.bytes));
  writer.name("failures").integer(static_cast<std::int64_t>(status.failures));
  writer.end_object();
}

SecretBytes status_json(const ManagedHub& hub) {
  std::vector<std::string> warnings;
  std::uint64_t waiting = 0;
  json::Writer writer;
  writer.begin_object();
  writer.name("type").string("hub");
  writer.name("name").string(hub.config.name.text());
  writer.name("hub_id").string(hub.id.text());
  writer.name("version").string(node::kVersion);
  writer.name("pid").integer(::getpid());
  writer.name("state").string("ready");
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(hub.clock.now() - hub.started);
  writer.name("uptime_seconds").integer(uptime.count());
  writer.name("url").string(hub.config.endpoint);
  writer.name("mgmt_url")
      .string("http://" +
              node::host_and_port(hub.config.node.management_address, hub.config.node.management_port));
  writer.name("clients").begin_array();
  for (const auto& client : hub.clients.all()) {
    const PsrdLevels levels = ingested_levels(*client);
    waiting += client->waiting_bundles();
    writer.begin_object();
    write_client(writer, *client);
    writer.name("psrd");
    node::write_psrd_levels(writer, levels, hub.rates.rates(client->name().text()));
    writer.end_object();
    if (client->registered() && client->enabled())
      node::warn_of_psrd_level(warnings, "client " + client->name().text(), levels);
  }
  writer.end_array();
  writer.name("waiting_bundles").integer(static_cast<std::int64_t>(waiting));
  writer.name("refused_messages").integer(static_cast<std::int64_t>(hub.failures.failures()));
  const PsrdRandomness::Status randomness = hub.randomness.status();
  write_randomness(writer, randomness);
  const Provisioner::Status provisioner = hub.provisioner.status();
  write_provisioner(writer, provisioner);
  if (!provisioner.error.empty() && provisioner.error != randomness.error)
    warnings.push_back("no PSRD files are made ready: " + provisioner.error);
  if (!randomness.error.empty()) warnings.push_back(randomness.error);
  writer.name("warnings").begin_array();
  for (const std::string& warning : warnings) writer.string(warning);
  writer.end_array().end_object();
  return writer.take();
}

}  // namespace

std::vector<http::Route> management_routes(const ManagedHub& hub,
                                           const std::shared_ptr<const SecretBytes>& token) {
  const std::string base = "/hub/" + hub.config.name.text() + "/mgmt/v1";
  std::vector<http::Route> routes;
  const auto add = [&](std::string method, const std::string& path, node::ManagementHandler handler) {
    routes.push_back(node::management_route(token, std::move(method), base + path, std::move(handler)));
  };
  add("GET", "/status", [hub](const http::Request& /*request*/, node::ManagementReply reply) {
    reply.send(200, status_json(hub));
  });
  add("POST", "/stop", [](const http::Request& /*request*/, node::ManagementReply reply) {
    json::Writer writer;
    writer.begin_object().name("stopping").boolean(true).end_object();
    reply.send(202, writer.take());
    node::request_stop();
  });
  for (auto& more : {client_routes(hub, token), psrd_routes(hub, token)}) {
    routes.insert(routes.end(), more.begin(), more.end());
  }
  return routes;
}

}  // namespace dske::hub
