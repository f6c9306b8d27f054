#include "hub/client_routes.h"

#include <optional>
#include <utility>

#include "base/json.h"
#include "node/management.h"

namespace dske::hub {
namespace {

constexpr std::size_t kSaesMost = 4096;

// The name in the path; answers the fault if it is none.
std::optional<ClientName> name_of(const http::Request& request, node::ManagementReply& reply) {
  auto name = ClientName::parse(request.parameters.at(0));
  if (name) return std::move(*name);
  reply.fail(name.error());
  return std::nullopt;
}

// A member that is an array of SAE IDs.
std::vector<SaeId> sae_ids(json::ObjectReader& reader, std::string_view member) {
  std::vector<SaeId> saes;
  for (const json::Value& element : reader.array(member, kSaesMost)) {
    auto sae = SaeId::parse(element.string().value_or(""));
    if (!sae) {
      reader.fail(member, sae.error().message);
      return {};
    }
    saes.push_back(std::move(*sae));
  }
  return saes;
}

ClientAdministration::ClientAnswer answering(node::ManagementReply reply) {
  return [reply = std::move(reply)](Result<std::shared_ptr<Client>> client) mutable {
    if (!client) return reply.fail(client.error());
    reply.send(200, client_json(**client));
  };
}

void put_client(const ManagedHub& hub, const http::Request& request, node::ManagementReply reply) {
  auto name = name_of(request, reply);
  if (!name) return;
  auto document = json::Document::parse(request.body.text());
  if (!document) return reply.fail(document.error());
  json::ObjectReader reader(document->root(), "client");
  std::vector<SaeId> saes = sae_ids(reader, "sae_ids");
  if (const auto fault = reader.finish(json::UnknownMembers::refuse)) return reply.fail(*fault);
  hub.operations.put_client(std::move(*name), std::move(saes), answering(std::move(reply)));
}

void change_saes(const ManagedHub& hub, const http::Request& request, node::ManagementReply reply) {
  auto name = name_of(request, reply);
  if (!name) return;
  auto document = json::Document::parse(request.body.text());
  if (!document) return reply.fail(document.error());
  json::ObjectReader reader(document->root(), "SAE IDs");
  std::vector<SaeId> bind;
  std::vector<SaeId> unbind;
  if (reader.has("add")) bind = sae_ids(reader, "add");
  if (reader.has("remove")) unbind = sae_ids(reader, "remove");
  if (const auto fault = reader.finish(json::UnknownMembers::refuse)) return reply.fail(*fault);
  hub.administration.change_saes(std::move(*name), std::move(bind), std::move(unbind),
                                 answering(std::move(reply)));
}

void set_enabled(const ManagedHub& hub, const http::Request& request, node::ManagementReply reply,
                 bool enabled) {
  auto name = name_of(request, reply);
  if (!name) return;
  hub.administration.set_enabled(std::move(*name), enabled, answering(std::move(reply)));
}

void remove_client(const ManagedHub& hub, const http::Request& request, node::ManagementReply reply) {
  auto name = name_of(request, reply);
  if (!name) return;
  const auto waiting = std::make_shared<node::ManagementReply>(std::move(reply));
  const bool taken =
      hub.administration_worker.submit([&administration = hub.administration, name = *name, waiting] {
        const auto removed = administration.remove(name);
        if (!removed) return waiting->fail(removed.error());
        waiting->send(200, removed_json(name, *removed));
      });
  if (!taken) waiting->fail({ErrorKind::exhausted, "too many requests are waiting"});
}

}  // namespace

void write_client(json::Writer& writer, const Client& client) {
  writer.name("name").string(client.name().text());
  writer.name("client_id").string(client.id().text());
  writer.name("sae_ids").begin_array();
  for (const SaeId& sae : client.sae_ids()) writer.string(sae.text());
  writer.end_array();
  writer.name("enabled").boolean(client.enabled());
  writer.name("registered").boolean(client.registered());
}

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

SecretBytes removed_json(const ClientName& name, const ClientAdministration::Removed& removed) {
  json::Writer writer;
  writer.begin_object().name("removed").string(name.text());
  writer.name("psrd_blocks").integer(static_cast<std::int64_t>(removed.blocks));
  writer.name("psrd_files").integer(static_cast<std::int64_t>(removed.files)).end_object();
  return writer.take();
}

std::vector<http::Route> client_routes(const ManagedHub& hub,
                                       const std::shared_ptr<const SecretBytes>& token) {
  const std::string base = "/hub/" + hub.config.name.text() + "/mgmt/v1/clients";
  std::vector<http::Route> routes;
  const auto add = [&](std::string method, const std::string& path, node::ManagementHandler handler) {
    routes.push_back(node::management_route(token, std::move(method), base + path, std::move(handler)));
  };
  add("GET", "", [hub](const http::Request& /*request*/, node::ManagementReply reply) {
    reply.send(200, clients_json(hub.clients));
  });
  add("PUT", "/:client", [hub](const http::Request& request, node::ManagementReply reply) {
    put_client(hub, request, std::move(reply));
  });
  add("DELETE", "/:client", [hub](const http::Request& request, node::ManagementReply reply) {
    remove_client(hub, request, std::move(reply));
  });
  add("POST", "/:client/sae-ids", [hub](const http::Request& request, node::ManagementReply reply) {
    change_saes(hub, request, std::move(reply));
  });
  add("POST", "/:client/disable", [hub](const http::Request& request, node::ManagementReply reply) {
    set_enabled(hub, request, std::move(reply), false);
  });
  add("POST", "/:client/enable", [hub](const http::Request& request, node::ManagementReply reply) {
    set_enabled(hub, request, std::move(reply), true);
  });
  return routes;
}

}  // namespace dske::hub
