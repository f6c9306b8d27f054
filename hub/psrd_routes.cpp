#include "hub/psrd_routes.h"

#include <utility>

#include "base/json.h"
#include "hub/psrd_listing.h"
#include "node/management.h"

namespace dske::hub {
namespace {

constexpr std::size_t kRevokedMost = 4096;  // by one call
const Error kTooMany{ErrorKind::exhausted, "too many requests are waiting"};

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
  const bool first = reader.has("first") && reader.boolean("first");
  if (const auto fault = reader.finish(json::UnknownMembers::refuse)) return reply.fail(*fault);
  const auto waiting = std::make_shared<node::ManagementReply>(std::move(reply));
  const bool taken = hub.worker.submit([hub, client, client_half, hub_half, first, waiting] {
    if (first) {
      if (auto checked = hub.administration.check_without_psrd(client); !checked)
        return waiting->fail(checked.error());
    }
    auto assigned = hub.operations.assign_psrd(client, client_half, hub_half);
    if (!assigned) return waiting->fail(assigned.error());
    waiting->send(200, assigned_json(assigned->block.text(), assigned->file));
  });
  if (!taken) waiting->fail(kTooMany);
}

void revoke_psrd(const ManagedHub& hub, const http::Request& request, node::ManagementReply reply) {
  auto document = json::Document::parse(request.body.text());
  if (!document) return reply.fail(document.error());
  json::ObjectReader reader(document->root(), "psrd");
  std::optional<ClientName> client;
  std::vector<BlockId> blocks;
  if (reader.has("client")) {
    client = reader.parsed<ClientName>("client");
  } else {
    for (const json::Value& element : reader.array("block_uuids", kRevokedMost)) {
      const auto block = BlockId::parse(element.string().value_or(""));
      if (!block) return reply.fail(block.error().within("block_uuids"));
      blocks.push_back(*block);
    }
  }
  if (const auto fault = reader.finish(json::UnknownMembers::refuse)) return reply.fail(*fault);
  const auto waiting = std::make_shared<node::ManagementReply>(std::move(reply));
  const bool taken = hub.administration_worker.submit(
      [&administration = hub.administration, client, blocks = std::move(blocks), waiting] {
        const auto revoked = client ? administration.revoke_all(*client) : administration.revoke(blocks);
        if (!revoked) return waiting->fail(revoked.error());
        waiting->send(200, revoked_json(*revoked));
      });
  if (!taken) waiting->fail(kTooMany);
}

void list_psrd(const ManagedHub& hub, node::ManagementReply reply) {
  const auto waiting = std::make_shared<node::ManagementReply>(std::move(reply));
  const bool taken = hub.administration_worker.submit(
      [&clients = hub.clients, &files = hub.files, &rates = hub.rates, waiting] {
        waiting->send(200, psrd_json(clients, files, {}, &rates));
      });
  if (!taken) waiting->fail(kTooMany);
}

}  // namespace

SecretBytes assigned_json(const std::string& block, const std::filesystem::path& file) {
  json::Writer writer;
  writer.begin_object().name("block_uuid").string(block);
  writer.name("file").string(file.string()).end_object();
  return writer.take();
}

SecretBytes revoked_json(const std::vector<store::RevokedBlock>& blocks) {
  json::Writer writer;
  writer.begin_object().name("revoked").begin_array();
  for (const store::RevokedBlock& block : blocks) {
    writer.begin_object().name("block_uuid").string(block.id.text());
    writer.name("client").string(block.client.text()).end_object();
  }
  writer.end_array().end_object();
  return writer.take();
}

std::vector<http::Route> psrd_routes(const ManagedHub& hub, const std::shared_ptr<const SecretBytes>& token) {
  const std::string base = "/hub/" + hub.config.name.text() + "/mgmt/v1/psrd";
  std::vector<http::Route> routes;
  const auto add = [&](std::string method, const std::string& path, node::ManagementHandler handler) {
    routes.push_back(node::management_route(token, std::move(method), base + path, std::move(handler)));
  };
  add("GET", "", [hub](const http::Request& /*request*/, node::ManagementReply reply) {
    list_psrd(hub, std::move(reply));
  });
  add("POST", "", [hub](const http::Request& request, node::ManagementReply reply) {
    assign_psrd(hub, request, std::move(reply));
  });
  add("POST", "/revoke", [hub](const http::Request& request, node::ManagementReply reply) {
    revoke_psrd(hub, request, std::move(reply));
  });
  return routes;
}

}  // namespace dske::hub
