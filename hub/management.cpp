#include "hub/management.h"

#include <utility>

#include <unistd.h>

#include "base/json.h"
#include "node/daemon_loop.h"
#include "node/management.h"
#include "node/psrd_report.h"
#include "node/version.h"

namespace dske::hub {
namespace {

constexpr std::size_t kSaesMost = 4096;

void write_client(json::Writer& writer, const Client& client) {
  writer.name("name").string(client.name().text());
  writer.name("client_id").string(client.id().text());
  writer.name("sae_ids").begin_array();
  for (const SaeId& sae : client.sae_ids()) writer.string(sae.text());
  writer.end_array();
  writer.name("registered").boolean(client.registered());
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
    const PsrdLevels levels = client->pool().levels();
    waiting += client->waiting_bundles();
    writer.begin_object();
    write_client(writer, *client);
    writer.name("psrd");
    node::write_psrd_levels(writer, levels);
    writer.end_object();
    if (client->registered()) node::warn_of_psrd_level(warnings, "client " + client->name().text(), levels);
  }
  writer.end_array();
  writer.name("waiting_bundles").integer(static_cast<std::int64_t>(waiting));
  writer.name("refused_messages").integer(static_cast<std::int64_t>(hub.failures.failures()));
  const PsrdRandomness::Status randomness = hub.randomness.status();
  write_randomness(writer, randomness);
  if (!randomness.error.empty()) warnings.push_back(randomness.error);
  writer.name("warnings").begin_array();
  for (const std::string& warning : warnings) writer.string(warning);
  writer.end_array().end_object();
  return writer.take();
}

void put_client(const ManagedHub& hub, const http::Request& request, node::ManagementReply reply) {
  auto name = ClientName::parse(request.parameters.at(0));
  if (!name) return reply.fail(name.error());
  auto document = json::Document::parse(request.body.text());
  if (!document) return reply.fail(document.error());
  json::ObjectReader reader(document->root(), "client");
  std::vector<SaeId> saes;
  for (const json::Value& element : reader.array("sae_ids", kSaesMost)) {
    auto sae = SaeId::parse(element.string().value_or(""));
    if (!sae) return reply.fail(sae.error().within("sae_ids"));
    saes.push_back(std::move(*sae));
  }
  if (const auto fault = reader.finish(json::UnknownMembers::refuse)) return reply.fail(*fault);
  hub.operations.put_client(std::move(*name), std::move(saes),
                            [reply = std::move(reply)](Result<std::shared_ptr<Client>> client) mutable {
                              if (!client) return reply.fail(client.error());
                              reply.send(200, client_json(**client));
                            });
}

void assign_psrd(const ManagedHub& hub, const http::Request& request, node::ManagementReply reply) {
  auto document = json::Document::parse(request.body.text());
  if (!document) return reply.fail(document.error());
  json::ObjectReader reader(document->root(), "psrd");
  constexpr std::int64_t kBytesMost = std::int64_t{1} << 40;
  const ClientName client = reader.parsed<ClientName>("client");
  const auto half = [&](const std::string& side) {
    const auto bytes = static_cast<std::uint64_t>(reader.integer(side + "_bytes", 1, kBytesMost));
    const std::string percent = side + "_authenticator_percent";
    if (!reader.has(percent)) return PsrdHalf(bytes);
    return PsrdHalf(bytes, static_cast<unsigned>(reader.integer(percent, 1, 99)));
  };
  const PsrdHalf client_half = half("client");
  const PsrdHalf hub_half = half("hub");
  if (const auto fault = reader.finish(json::UnknownMembers::refuse)) return reply.fail(*fault);
  const auto waiting = std::make_shared<node::ManagementReply>(std::move(reply));
  const bool taken =
      hub.worker.submit([&operations = hub.operations, client, client_half, hub_half, waiting] {
        auto assigned = operations.assign_psrd(client, client_half, hub_half);
        if (!assigned) return waiting->fail(assigned.error());
        json::Writer writer;
        writer.begin_object();
        writer.name("block_uuid").string(assigned->block.text());
        writer.name("file").string(assigned->file.string());
        writer.end_object();
        waiting->send(200, writer.take());
      });
  if (!taken) waiting->fail({ErrorKind::exhausted, "too many requests are waiting"});
}

}  // namespace

SecretBytes client_json(const Client& client) {
  json::Writer writer;
  writer.begin_object();
  write_client(writer, client);
  writer.end_object();
  return writer.take();
}

SecretBytes clients_json(const ClientRegistry& clients) {
  json::Writer writer;
  writer.begin_object().name("clients").begin_array();
  for (const auto& client : clients.all()) {
    writer.begin_object();
    write_client(writer, *client);
    writer.end_object();
  }
  writer.end_array().end_object();
  return writer.take();
}

SecretBytes psrd_json(const ClientRegistry& clients, const std::set<BlockId>& also_ingested) {
  json::Writer writer;
  writer.begin_object().name("clients").begin_array();
  for (const auto& client : clients.all()) {
    writer.begin_object();
    writer.name("name").string(client->name().text());
    writer.name("psrd");
    node::write_psrd_levels(writer, client->pool().levels());
    const std::vector<BlockId> ingested = client->pool().listed_blocks();
    writer.name("blocks").begin_array();
    for (const BlockId& block : client->pool().blocks()) {
      writer.begin_object();
      writer.name("block_uuid").string(block.text());
      writer.name("ingested")
          .boolean(also_ingested.contains(block) ||
                   std::find(ingested.begin(), ingested.end(), block) != ingested.end());
      writer.name("psrd");
      node::write_psrd_levels(writer, client->pool().block_levels(block));
      writer.end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_array().end_object();
  return writer.take();
}

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
  add("GET", "/clients", [hub](const http::Request& /*request*/, node::ManagementReply reply) {
    reply.send(200, clients_json(hub.clients));
  });
  add("PUT", "/clients/:client", [hub](const http::Request& request, node::ManagementReply reply) {
    put_client(hub, request, std::move(reply));
  });
  add("GET", "/psrd", [hub](const http::Request& /*request*/, node::ManagementReply reply) {
    reply.send(200, psrd_json(hub.clients));
  });
  add("POST", "/psrd", [hub](const http::Request& request, node::ManagementReply reply) {
    assign_psrd(hub, request, std::move(reply));
  });
  return routes;
}

}  // namespace dske::hub
