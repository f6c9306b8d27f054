#include "kme/management.h"

#include <utility>

#include <unistd.h>

#include "base/json.h"
#include "kme/key_store_report.h"
#include "node/daemon_loop.h"
#include "node/management.h"
#include "node/psrd_report.h"
#include "node/version.h"

namespace dske::kme {
namespace {

constexpr std::size_t kPathMost = 4096;

std::string_view state_text(HubLink::State state) {
  switch (state) {
    case HubLink::State::no_psrd:
      return "no PSRD";
    case HubLink::State::registering:
      return "registering";
    case HubLink::State::registered:
      return "registered";
    case HubLink::State::refused:
      return "refused";
    case HubLink::State::set_aside:
      return "not configured";
    case HubLink::State::unreachable:
      break;
  }
  return "unreachable";
}

void write_hub(const ManagedKme& kme, json::Writer& writer, HubLink& link) {
  writer.begin_object();
  writer.name("name").string(link.address().name.text());
  writer.name("hub_id").string(link.address().id.text());
  writer.name("endpoint").string(link.address().endpoint);
  writer.name("state").string(state_text(link.state()));
  writer.name("error").string(link.last_error());
  writer.name("psrd");
  const std::string& name = link.address().name.text();
  node::write_psrd_levels(writer, link.pool().levels(), kme.links.rates().rates(name));
  writer.name("wrong_shares").integer(static_cast<std::int64_t>(link.wrong_shares()));
  writer.end_object();
}

// What an operator must do about a hub's PSRD.
void warn_of_psrd(const ManagedKme& kme, HubLink& link, std::vector<std::string>& warnings) {
  const std::string& name = link.address().name.text();
  const std::string hub = "hub " + name;
  if (link.state() == HubLink::State::set_aside) {
    warnings.push_back("the PSRD with " + hub +
                       " is not used, since the configuration does not list it: list it" +
                       " again, or wipe it with hub forget " + name);
    return;
  }
  if (link.state() == HubLink::State::refused) {
    const auto minutes =
        std::chrono::duration_cast<std::chrono::minutes>(kme.clock.now() - link.refused_since()).count();
    warnings.push_back(hub + " answers, but has accepted none of our PSRD in " +
                       std::to_string(link.refusals()) + " registrations (" + std::to_string(minutes) +
                       " min): if its operator has revoked it or its store was lost, ingest new PSRD of it; "
                       "if it was made anew, hub forget " +
                       name + " first; nothing is dropped, since somebody else may be answering");
  }
  if (link.unknown_blocks() > 0) {
    warnings.push_back(hub + " has revoked, or lost, " + std::to_string(link.unknown_blocks()) +
                       " PSRD blocks of ours: they are dropped");
  }
  node::warn_of_psrd_level(warnings, hub, link.pool().levels());
}

std::vector<std::string> psrd_warnings_of(const ManagedKme& kme) {
  std::vector<std::string> warnings;
  for (const ConfiguredHub& hub : kme.links.roster().listed()) {
    if (!kme.links.find(hub.name)) warnings.push_back("no PSRD with hub " + hub.name.text());
  }
  for (const auto& link : kme.links.all()) warn_of_psrd(kme, *link, warnings);
  for (const auto& link : kme.links.aside()) warn_of_psrd(kme, *link, warnings);
  return warnings;
}

std::vector<std::string> warnings_of(const ManagedKme& kme) {
  std::vector<std::string> warnings;
  for (const auto& link : kme.links.all()) {
    const std::string hub = "hub " + link->address().name.text();
    if (!link->registered()) warnings.push_back("not registered with " + hub + ": " + link->last_error());
    if (link->wrong_shares() > 0) {
      warnings.push_back(hub + " sent wrong shares: " + std::to_string(link->wrong_shares()));
    }
  }
  for (std::string& warning : psrd_warnings_of(kme)) warnings.push_back(std::move(warning));
  return warnings;
}

SecretBytes status_json(const ManagedKme& kme) {
  const std::string reason = not_ready_reason(kme.config, kme.links);
  json::Writer writer;
  writer.begin_object();
  writer.name("type").string("client");
  writer.name("name").string(kme.config.name.text());
  writer.name("version").string(node::kVersion);
  writer.name("pid").integer(::getpid());
  writer.name("state").string(reason.empty() ? "ready" : "not ready");
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(kme.clock.now() - kme.started);
  writer.name("uptime_seconds").integer(uptime.count());
  writer.name("url").string("https://" + node::host_and_port(kme.config.node.address, kme.config.node.port));
  writer.name("mgmt_url")
      .string("http://" +
              node::host_and_port(kme.config.node.management_address, kme.config.node.management_port));
  writer.name("encryptors").begin_array();
  for (const SaeId& sae : kme.config.encryptors) writer.string(sae.text());
  writer.end_array();
  writer.name("shares_required").integer(static_cast<std::int64_t>(kme.config.shares_required));
  writer.name("hubs").begin_array();
  for (const auto& link : kme.links.all()) write_hub(kme, writer, *link);
  writer.end_array();
  const HeldKeys::Amount held = kme.held.amount();
  writer.name("bundles_held").integer(static_cast<std::int64_t>(held.bundles));
  writer.name("keys_held").integer(static_cast<std::int64_t>(held.keys));
  writer.name("keys_delivered").integer(static_cast<std::int64_t>(kme.delivery.keys_delivered()));
  writer.name("key_store");
  write_key_store(writer, kme.key_store);
  writer.name("warnings").begin_array();
  if (!reason.empty()) writer.string(reason);
  for (const std::string& warning : warnings_of(kme)) writer.string(warning);
  writer.end_array().end_object();
  return writer.take();
}

void write_hub_psrd(const ManagedKme& kme, json::Writer& writer, HubLink& link) {
  const std::string& name = link.address().name.text();
  writer.begin_object();
  writer.name("name").string(name);
  writer.name("psrd");
  node::write_psrd_levels(writer, link.pool().levels(), kme.links.rates().rates(name));
  writer.name("blocks").begin_array();
  for (const BlockId& block : link.pool().blocks()) {
    writer.begin_object();
    writer.name("block_uuid").string(block.text());
    writer.name("psrd");
    node::write_psrd_levels(writer, link.pool().block_levels(block));
    writer.end_object();
  }
  writer.end_array().end_object();
}

SecretBytes psrd_json(const ManagedKme& kme) {
  json::Writer writer;
  writer.begin_object().name("hubs").begin_array();
  for (const auto& link : kme.links.all()) write_hub_psrd(kme, writer, *link);
  for (const auto& link : kme.links.aside()) write_hub_psrd(kme, writer, *link);
  writer.end_array();
  node::write_warnings(writer, psrd_warnings_of(kme));
  writer.end_object();
  return writer.take();
}

SecretBytes hubs_json(const ManagedKme& kme) {
  json::Writer writer;
  writer.begin_object().name("hubs").begin_array();
  const auto write = [&](const HubLink& link, std::size_t blocks) {
    write_hub_entry(writer, {link.address().name.text(), link.address().id.text(), link.address().endpoint,
                             std::string(state_text(link.state())), link.last_error(), blocks});
  };
  for (const auto& link : kme.links.all()) write(*link, link->pool().blocks().size());
  for (const auto& link : kme.links.aside()) write(*link, link->pool().blocks().size());
  for (const ConfiguredHub& hub : kme.links.roster().listed()) {
    if (!kme.links.find(hub.name))
      write_hub_entry(writer, {hub.name.text(), "", hub.endpoint, "no PSRD", "no PSRD was ingested", 0});
  }
  writer.end_array().end_object();
  return writer.take();
}

// Answers {NAME: VALUE, DID: true} once it is done on the loop.
HubLinks::Done done_as(std::string name, std::string value, std::string did, node::ManagementReply reply) {
  return [name = std::move(name), value = std::move(value), did = std::move(did),
          reply = std::move(reply)](const Result<void>& result) mutable {
    if (!result) return reply.fail(result.error());
    reply.send(200, done_json(name, value, did));
  };
}

void act_on_hub(const ManagedKme& kme, const http::Request& request, node::ManagementReply reply,
                std::string did, void (HubLinks::*act)(const HubName&, HubLinks::Done)) {
  auto hub = HubName::parse(request.parameters.at(0));
  if (!hub) return reply.fail(hub.error());
  kme.loop.post([kme, act, hub = std::move(*hub), did = std::move(did), reply = std::move(reply)]() mutable {
    (kme.links.*act)(hub, done_as("hub", hub.text(), std::move(did), std::move(reply)));
  });
}

void drop_block(const ManagedKme& kme, const http::Request& request, node::ManagementReply reply) {
  auto block = BlockId::parse(request.parameters.at(0));
  if (!block) return reply.fail(block.error());
  kme.loop.post([kme, block = *block, reply = std::move(reply)]() mutable {
    kme.links.drop_block(block, done_as("block_uuid", block.text(), "dropped", std::move(reply)));
  });
}

// Answers from the loop, where what is shown lives.
node::ManagementHandler from_loop(const ManagedKme& kme, SecretBytes (*make)(const ManagedKme&)) {
  return [kme, make](const http::Request& /*request*/, node::ManagementReply reply) {
    kme.loop.post([kme, make, reply = std::move(reply)]() mutable { reply.send(200, make(kme)); });
  };
}

void ingest(const ManagedKme& kme, const http::Request& request, node::ManagementReply reply) {
  auto document = json::Document::parse(request.body.text());
  if (!document) return reply.fail(document.error());
  json::ObjectReader reader(document->root(), "psrd");
  std::string file(reader.string("file", kPathMost));
  IdentityFiles identity;
  if (reader.has("passphrase_file")) identity.passphrase = reader.string("passphrase_file", kPathMost);
  if (reader.has("recipient_key")) identity.private_key = reader.string("recipient_key", kPathMost);
  if (const auto fault = reader.finish(json::UnknownMembers::refuse)) return reply.fail(*fault);
  const auto waiting = std::make_shared<node::ManagementReply>(std::move(reply));
  const bool taken =
      kme.worker.submit([kme, file = std::move(file), identity = std::move(identity), waiting] {
        auto ingested = kme.ingestion.ingest(file, PsrdArrival::by_operator, identity);
        if (!ingested) return waiting->fail(ingested.error());
        SecretBytes answer = ingested_json(*ingested);
        kme.loop.post([kme, ingested = std::move(*ingested), answer = std::move(answer), waiting]() mutable {
          // With the answer the hub knows of the block, so that keys can be had at once.
          kme.links.add_block(ingested.hub, std::move(ingested.block),
                              [waiting, answer = std::move(answer)](const Result<void>& used) mutable {
                                if (!used) return waiting->fail(used.error());
                                waiting->send(200, std::move(answer));
                              });
        });
      });
  if (!taken) waiting->fail({ErrorKind::exhausted, "too many requests are waiting"});
}

}  // namespace

std::string not_ready_reason(const KmeConfig& config, const HubLinks& links) {
  const std::size_t registered = links.registered();
  if (registered >= config.shares_required) return links.settled() ? "" : "registering with the hubs";
  return "registered with " + std::to_string(registered) + " of the " +
         std::to_string(config.shares_required) + " hubs needed";
}

SecretBytes ingested_json(const Ingested& ingested) {
  json::Writer writer;
  writer.begin_object();
  writer.name("block_uuid").string(ingested.block.id.text());
  writer.name("hub").string(ingested.hub.name.text());
  writer.end_object();
  return writer.take();
}

void write_hub_entry(json::Writer& writer, const HubEntry& hub) {
  writer.begin_object();
  writer.name("name").string(hub.name);
  writer.name("hub_id");
  if (hub.hub_id.empty()) {
    writer.null();
  } else {
    writer.string(hub.hub_id);
  }
  writer.name("endpoint").string(hub.endpoint);
  writer.name("state").string(hub.state);
  writer.name("error").string(hub.error);
  writer.name("blocks").integer(static_cast<std::int64_t>(hub.blocks));
  writer.end_object();
}

SecretBytes done_json(const std::string& name, const std::string& value, const std::string& did) {
  json::Writer writer;
  writer.begin_object().name(name).string(value).name(did).boolean(true).end_object();
  return writer.take();
}

std::vector<http::Route> management_routes(const ManagedKme& kme,
                                           const std::shared_ptr<const SecretBytes>& token) {
  const std::string base = "/client/" + kme.config.name.text() + "/mgmt/v1";
  std::vector<http::Route> routes;
  const auto add = [&](std::string method, const std::string& path, node::ManagementHandler handler) {
    routes.push_back(node::management_route(token, std::move(method), base + path, std::move(handler)));
  };
  add("GET", "/status", from_loop(kme, status_json));
  add("POST", "/stop", [](const http::Request& /*request*/, node::ManagementReply reply) {
    json::Writer writer;
    writer.begin_object().name("stopping").boolean(true).end_object();
    reply.send(202, writer.take());
    node::request_stop();
  });
  add("GET", "/key-store",
      from_loop(kme, [](const ManagedKme& shown) { return key_store_json(shown.key_store); }));
  add("GET", "/psrd", from_loop(kme, psrd_json));
  add("POST", "/psrd", [kme](const http::Request& request, node::ManagementReply reply) {
    ingest(kme, request, std::move(reply));
  });
  add("DELETE", "/psrd/:block", [kme](const http::Request& request, node::ManagementReply reply) {
    drop_block(kme, request, std::move(reply));
  });
  add("GET", "/hubs", from_loop(kme, hubs_json));
  add("DELETE", "/hubs/:hub", [kme](const http::Request& request, node::ManagementReply reply) {
    act_on_hub(kme, request, std::move(reply), "forgotten", &HubLinks::forget);
  });
  add("POST", "/hubs/:hub/leave", [kme](const http::Request& request, node::ManagementReply reply) {
    act_on_hub(kme, request, std::move(reply), "left", &HubLinks::leave);
  });
  return routes;
}

}  // namespace dske::kme
