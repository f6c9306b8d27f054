#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <optional>

#include "base/log.h"
#include "dske/psrd_pool.h"
#include "kme/commands.h"
#include "kme/hub_roster.h"
#include "kme/management.h"
#include "kme/operator_command.h"
#include "kme/psrd_ingestion.h"
#include "node/operator_call.h"
#include "node/psrd_report.h"

namespace dske::kme {
namespace {

using node::Invocation;

// What opens encrypted files, as paths that hold for the daemon too; empty if the configuration has to say.
Result<IdentityFiles> identity_files(const Invocation& invocation) {
  const std::string passphrase = invocation.option("passphrase-file");
  const std::string key = invocation.option("recipient-key");
  if (!passphrase.empty() && !key.empty())
    return invalid("give --passphrase-file or --recipient-key, not both");
  IdentityFiles files;
  if (!passphrase.empty()) files.passphrase = std::filesystem::absolute(passphrase);
  if (!key.empty()) files.private_key = std::filesystem::absolute(key);
  return files;
}

int ingest(const Invocation& invocation) {
  log::set_level(log::Level::warning);
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  const auto identity = identity_files(invocation);
  if (!identity) return report(identity.error());
  auto way = node::offline_or_daemon(config->node.state_dir);
  if (!way) return report(way.error());
  std::function<Result<std::string>(const std::filesystem::path&)> ingest_one;
  std::optional<Offline> offline;
  std::optional<HubRoster> roster;
  std::optional<PsrdIngestion> ingestion;
  if (auto* lock = std::get_if<DirectoryLock>(&*way)) {
    auto opened = Offline::open(std::move(*lock), *config);
    if (!opened) return report(opened.error());
    offline.emplace(std::move(*opened));
    roster.emplace(*config);
    ingestion.emplace(*config, *roster, *offline->store, offline->contents.hubs);
    ingest_one = [&](const std::filesystem::path& file) -> Result<std::string> {
      auto ingested = ingestion->ingest(file, PsrdArrival::by_operator, *identity);
      if (!ingested) return ingested.error();
      return "PSRD block " + ingested->block.id.text() + " of hub " + ingested->hub.name.text();
    };
  } else {
    ingest_one = [&](const std::filesystem::path& file) -> Result<std::string> {
      json::Writer body;
      body.begin_object().name("file").string(std::filesystem::absolute(file).string());
      if (!identity->passphrase.empty()) body.name("passphrase_file").string(identity->passphrase.string());
      if (!identity->private_key.empty()) body.name("recipient_key").string(identity->private_key.string());
      body.end_object();
      auto answer = node::call_daemon(config->node, "POST",
                                      "/client/" + config->name.text() + "/mgmt/v1/psrd", body.take());
      if (!answer) return answer.error();
      json::ObjectReader reader(answer->root(), "answer");
      const std::string block(reader.string("block_uuid", 64));
      const std::string hub(reader.string("hub", 64));
      if (const auto fault = reader.finish(json::UnknownMembers::ignore)) return *fault;
      return "PSRD block " + block + " of hub " + hub;
    };
  }
  int status = 0;
  for (const std::string& file : invocation.arguments) {
    const auto ingested = ingest_one(file);
    if (ingested) {
      std::cout << "ingested " << *ingested << "\n";
    } else {
      status = report(ingested.error());
    }
  }
  return status;
}

// The levels of a store that no daemon uses, in the form of GET psrd.
SecretBytes offline_psrd_json(Offline& offline, const KmeConfig& config) {
  const HubRoster roster(config);
  std::vector<std::string> warnings;
  json::Writer writer;
  writer.begin_object().name("hubs").begin_array();
  for (const store::HubRecord& hub : offline.contents.hubs) {
    PsrdPool pool(Side::client);
    for (store::HubBlock& block : offline.contents.blocks) {
      if (block.hub == hub.id) pool.add_block(std::move(block.block), true);
    }
    const PsrdLevels levels{pool.blocks().size(), pool.level(Side::client, Zone::authenticator),
                            pool.level(Side::client, Zone::pad), pool.level(Side::hub, Zone::authenticator),
                            pool.level(Side::hub, Zone::pad)};
    writer.begin_object().name("name").string(hub.name.text()).name("psrd");
    node::write_psrd_levels(writer, levels, std::nullopt);
    if (roster.has(hub.name)) node::warn_of_psrd_level(warnings, "hub " + hub.name.text(), levels);
    writer.name("blocks").begin_array();
    for (const BlockId& block : pool.blocks()) {
      const PsrdLevels one{1, pool.block_level(block, Side::client, Zone::authenticator),
                           pool.block_level(block, Side::client, Zone::pad),
                           pool.block_level(block, Side::hub, Zone::authenticator),
                           pool.block_level(block, Side::hub, Zone::pad)};
      writer.begin_object().name("block_uuid").string(block.text()).name("psrd");
      node::write_psrd_levels(writer, one);
      writer.end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_array();
  node::write_warnings(writer, warnings);
  writer.end_object();
  return writer.take();
}

int list(const Invocation& invocation) {
  return run_and_print(
      invocation, {"GET", "/psrd"},
      [](Offline& offline, const KmeConfig& config) -> Result<SecretBytes> {
        return offline_psrd_json(offline, config);
      },
      [](const json::Value& answer) {
        std::cout << node::psrd_table("HUB", *answer.member("hubs"), answer.member("warnings"));
      });
}

Result<SecretBytes> drop_offline(Offline& offline, const BlockId& block) {
  const auto& blocks = offline.contents.blocks;
  if (std::none_of(blocks.begin(), blocks.end(), [&](const auto& each) { return each.block.id == block; }))
    return Error{ErrorKind::not_found, "there is no PSRD block " + block.text()};
  std::promise<Result<void>> dropped;
  offline.store->drop_block(block, [&](Result<void> result) { dropped.set_value(std::move(result)); });
  if (auto result = dropped.get_future().get(); !result) return result.error();
  return done_json("block_uuid", block.text(), "dropped");
}

int drop(const Invocation& invocation) {
  const auto block = BlockId::parse(invocation.arguments.at(0));
  if (!block) return report(block.error());
  return run_and_print(
      invocation, {"DELETE", "/psrd/" + block->text()},
      [&](Offline& offline, const KmeConfig&) { return drop_offline(offline, *block); },
      [&](const json::Value& /*answer*/) { std::cout << "dropped PSRD block " << block->text() << "\n"; });
}

}  // namespace

std::vector<node::CommandAndAction> psrd_commands() {
  return {
      {{"ingest-psrd",
        "ingest-psrd FILE... [--passphrase-file FILE | --recipient-key KEY.pem] --config FILE",
        "ingests pre-shared random data, then wipes the files",
        {"passphrase-file", "recipient-key"},
        {},
        1,
        1024,
        {}},
       ingest},
      {{"psrd list",
        "psrd list --config FILE [--json]",
        "shows what is left of the PSRD, by hub and zone, and how fast it is used",
        {},
        {"json"},
        0,
        0,
        {}},
       list},
      {{"psrd drop",
        "psrd drop BLOCK_UUID --config FILE [--json]",
        "wipes a block here; its hub hears of it in the next registration",
        {},
        {"json"},
        1,
        1,
        {}},
       drop},
  };
}

}  // namespace dske::kme
