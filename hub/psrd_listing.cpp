#include "hub/psrd_listing.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "node/psrd_report.h"

namespace dske::hub {
namespace {

std::set<BlockId> ingested_blocks(const Client& client, const std::set<BlockId>& also_ingested) {
  const std::vector<BlockId> listed = client.pool().listed_blocks();
  std::set<BlockId> ingested(listed.begin(), listed.end());
  for (const BlockId& block : client.pool().blocks()) {
    if (also_ingested.contains(block)) ingested.insert(block);
  }
  return ingested;
}

void add(ZoneLevel& sum, const ZoneLevel& zone) {
  sum.left_bytes += zone.left_bytes;
  sum.total_bytes += zone.total_bytes;
}

void write_client(json::Writer& writer, const Client& client, const std::vector<ReadyFile>& ready,
                  const std::set<BlockId>& also_ingested, const std::optional<node::PsrdRates>& rates) {
  const std::set<BlockId> ingested = ingested_blocks(client, also_ingested);
  writer.name("name").string(client.name().text());
  writer.name("psrd");
  node::write_psrd_levels(writer, ingested_levels(client, also_ingested), rates);
  writer.name("blocks").begin_array();
  for (const BlockId& block : client.pool().blocks()) {
    const auto file =
        std::find_if(ready.begin(), ready.end(), [&](const ReadyFile& each) { return each.block == block; });
    const bool is_ingested = ingested.contains(block);
    writer.begin_object();
    writer.name("block_uuid").string(block.text());
    writer.name("state").string(is_ingested ? "ingested" : file != ready.end() ? "ready" : "delivered");
    writer.name("ingested").boolean(is_ingested);
    if (!is_ingested && file != ready.end()) writer.name("file").string(file->path.string());
    writer.name("psrd");
    node::write_psrd_levels(writer, client.pool().block_levels(block));
    writer.end_object();
  }
  writer.end_array();
  writer.name("revoked_blocks").begin_array();
  for (const BlockId& block : client.revoked_blocks()) writer.string(block.text());
  writer.end_array();
}

}  // namespace

PsrdLevels ingested_levels(const Client& client, const std::set<BlockId>& also_ingested) {
  PsrdLevels sum;
  for (const BlockId& block : ingested_blocks(client, also_ingested)) {
    const PsrdLevels levels = client.pool().block_levels(block);
    ++sum.blocks;
    add(sum.client_authenticator, levels.client_authenticator);
    add(sum.client_pad, levels.client_pad);
    add(sum.hub_authenticator, levels.hub_authenticator);
    add(sum.hub_pad, levels.hub_pad);
  }
  return sum;
}

SecretBytes psrd_json(const ClientRegistry& clients, const ReadyFiles& files,
                      const std::set<BlockId>& also_ingested, const node::PsrdRateEstimator* rates) {
  std::vector<std::string> warnings;
  json::Writer writer;
  writer.begin_object().name("clients").begin_array();
  for (const auto& client : clients.all()) {
    const std::string& name = client->name().text();
    writer.begin_object();
    write_client(writer, *client, files.of(client->name()), also_ingested,
                 rates == nullptr ? std::nullopt : rates->rates(name));
    writer.end_object();
    if (client->registered() && client->enabled())
      node::warn_of_psrd_level(warnings, "client " + name, ingested_levels(*client, also_ingested));
  }
  writer.end_array();
  node::write_warnings(writer, warnings);
  writer.end_object();
  return writer.take();
}

}  // namespace dske::hub
