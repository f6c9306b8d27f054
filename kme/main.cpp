#include <future>
#include <iostream>

#include "base/log.h"
#include "base/process.h"
#include "kme/daemon.h"
#include "kme/kme_config.h"
#include "kme/management.h"
#include "kme/psrd_ingestion.h"
#include "node/command_line.h"
#include "node/node_key.h"
#include "node/node_key_command.h"
#include "node/operator_call.h"
#include "node/psrd_report.h"

namespace dske::kme {
namespace {

using node::fail;
using node::Invocation;

int report(const Error& error) {
  return fail("dske-kme: " + error.message);
}

Result<KmeConfig> config_of(const Invocation& invocation) {
  return read_kme_config(invocation.option("config"));
}

int init(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  log::set_level(log::Level::warning);
  if (auto done = init_kme(*config); !done) return report(done.error());
  std::cout << "KME " << config->name.text() << " initialised in " << config->node.state_dir.string() << "\n";
  return 0;
}

int serve(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  if (auto done = serve_kme(*config); !done) return report(done.error());
  return 0;
}

// Opens the store for a command while no daemon runs.
struct Offline {
  DirectoryLock lock;
  std::unique_ptr<store::KmeStore> store;
  store::KmeStore::Contents contents;
};

Result<Offline> open_offline(DirectoryLock lock, const KmeConfig& config) {
  const auto node_key = node::read_node_key(config.node.node_key);
  if (!node_key) return node_key.error();
  auto store = store::KmeStore::open(config.node.state_dir, *node_key);
  if (!store) return store.error();
  auto contents = (*store)->load();
  if (!contents) return contents.error();
  return Offline{std::move(lock), std::move(*store), std::move(*contents)};
}

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
  std::optional<PsrdIngestion> ingestion;
  if (auto* lock = std::get_if<DirectoryLock>(&*way)) {
    auto opened = open_offline(std::move(*lock), *config);
    if (!opened) return report(opened.error());
    offline.emplace(std::move(*opened));
    ingestion.emplace(*config, *offline->store, offline->contents.hubs);
    ingest_one = [&](const std::filesystem::path& file) -> Result<std::string> {
      auto ingested = ingestion->ingest(file, *identity);
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
SecretBytes offline_psrd_json(Offline& offline) {
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
    node::write_psrd_levels(writer, levels);
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
  writer.end_array().end_object();
  return writer.take();
}

int psrd_list(const Invocation& invocation) {
  log::set_level(log::Level::warning);
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  auto way = node::offline_or_daemon(config->node.state_dir);
  if (!way) return report(way.error());
  Result<json::Document> document = Error{};
  if (auto* lock = std::get_if<DirectoryLock>(&*way)) {
    auto offline = open_offline(std::move(*lock), *config);
    if (!offline) return report(offline.error());
    document = json::Document::parse(offline_psrd_json(*offline).text());
  } else {
    document = node::call_daemon(config->node, "GET", "/client/" + config->name.text() + "/mgmt/v1/psrd", {});
  }
  if (!document) return report(document.error());
  if (invocation.flag("json")) {
    json::Writer writer;
    std::cout << writer.value(document->root()).take_text() << "\n";
    return 0;
  }
  const auto hubs = document->root().member("hubs");
  for (const json::Value& hub : hubs ? hubs->elements() : std::vector<json::Value>()) {
    std::cout << hub.member("name")->string().value_or("") << "  "
              << node::psrd_levels_text(*hub.member("psrd")) << "\n";
  }
  return 0;
}

std::vector<node::CommandAndAction> node_key_commands() {
  return node::node_key_commands("dske-kme", [](const Invocation& invocation) -> Result<node::NodeConfig> {
    auto config = config_of(invocation);
    if (!config) return config.error();
    return std::move(config->node);
  });
}

}  // namespace
}  // namespace dske::kme

int main(int argc, char** argv) {
  using namespace dske::kme;
  dske::harden_command();
  std::vector<dske::node::CommandAndAction> commands = {
      {{"init",
        "init --config FILE",
        "makes the state directory, the node key and the management token",
        {},
        {},
        0,
        0,
        {}},
       init},
      {{"serve", "serve --config FILE", "runs the KME in the foreground", {}, {}, 0, 0, {}}, serve},
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
        "shows what is left of the PSRD, by hub",
        {},
        {"json"},
        0,
        0,
        {}},
       psrd_list},
  };
  for (auto& more : node_key_commands()) commands.push_back(std::move(more));
  return dske::node::run_command_line("dske-kme", "a key management entity: ETSI GS QKD 014 keys by DSKE",
                                      commands, argc, argv);
}
