#include <algorithm>
#include <cctype>
#include <charconv>
#include <future>
#include <iostream>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/percent_encoding.h"
#include "hub/daemon.h"
#include "hub/hub_config.h"
#include "hub/management.h"
#include "hub/operations.h"
#include "node/command_line.h"
#include "node/operator_call.h"
#include "node/psrd_report.h"

namespace dske::hub {
namespace {

using node::fail;
using node::Invocation;

int report(const Error& error) {
  return fail("dske-hub: " + error.message);
}

Result<HubConfig> config_of(const Invocation& invocation) {
  return read_hub_config(invocation.option("config"));
}

// The hub's parts that operator commands work on while no daemon runs.
struct Offline {
  Offline(DirectoryLock taken_lock, HubConfig hub_config, std::unique_ptr<store::HubStore> opened_store,
          const HubId& hub_id)
      : lock(std::move(taken_lock)),
        config(std::move(hub_config)),
        store(std::move(opened_store)),
        id(hub_id) {}

  DirectoryLock lock;
  HubConfig config;
  std::unique_ptr<store::HubStore> store;
  SystemRandomness randomness;
  HubId id;
  std::unique_ptr<ClientRegistry> clients;
  std::set<BlockId> ingested;  // the blocks that their clients have listed

  [[nodiscard]] Operations operations() { return {id, config, *clients, *store, randomness}; }
};

Result<std::unique_ptr<Offline>> open_offline(DirectoryLock lock, const HubConfig& config) {
  auto store = store::HubStore::open(config.node.state_dir);
  if (!store) return store.error();
  auto contents = (*store)->load();
  if (!contents) return contents.error();
  auto offline = std::make_unique<Offline>(std::move(lock), config, std::move(*store), contents->hub_id);
  offline->clients = std::make_unique<ClientRegistry>(*offline->store);
  // Nothing is allocated here, so no block is told to be allocatable and no lease is taken.
  for (store::ClientBlock& block : contents->blocks) {
    if (std::exchange(block.listed, false)) offline->ingested.insert(block.block.id);
  }
  offline->clients->load(std::move(*contents));
  return offline;
}

// Runs a command on the store, or asks the running daemon; prints the JSON that either answers by `print`.
int run_either_way(const Invocation& invocation, const std::string& method, const std::string& path,
                   SecretBytes body, const std::function<Result<SecretBytes>(Offline&)>& offline_action,
                   const std::function<int(const json::Value&)>& print) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  auto way = node::offline_or_daemon(config->node.state_dir);
  if (!way) return report(way.error());
  Result<json::Document> document = Error{};
  if (auto* lock = std::get_if<DirectoryLock>(&*way)) {
    auto offline = open_offline(std::move(*lock), *config);
    if (!offline) return report(offline.error());
    const auto answer = offline_action(**offline);
    if (!answer) return report(answer.error());
    document = json::Document::parse(answer->text());
  } else {
    document = node::call_daemon(config->node, method, "/hub/" + config->name.text() + "/mgmt/v1" + path,
                                 std::move(body));
  }
  if (!document) return report(document.error());
  if (invocation.flag("json")) {
    json::Writer writer;
    std::cout << writer.value(document->root()).take_text() << "\n";
    return 0;
  }
  return print(document->root());
}

std::string text_of(const json::Value& object, std::string_view name) {
  const auto member = object.member(name);
  return member ? std::string(member->string().value_or("")) : std::string();
}

std::string joined(const json::Value& object, std::string_view name) {
  std::string all;
  const auto member = object.member(name);
  for (const json::Value& element : member ? member->elements() : std::vector<json::Value>()) {
    all += (all.empty() ? "" : ", ") + std::string(element.string().value_or(""));
  }
  return all;
}

int init(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  log::set_level(log::Level::warning);
  if (auto done = init_hub(*config); !done) return report(done.error());
  std::cout << "hub " << config->name.text() << " initialised in " << config->node.state_dir.string() << "\n";
  return 0;
}

int serve(const Invocation& invocation) {
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  if (auto done = serve_hub(*config); !done) return report(done.error());
  return 0;
}

int client_add(const Invocation& invocation) {
  log::set_level(log::Level::warning);
  auto name = ClientName::parse(invocation.arguments.at(0));
  if (!name) return report(name.error());
  std::vector<SaeId> saes;
  json::Writer body;
  body.begin_object().name("sae_ids").begin_array();
  for (const std::string& text : invocation.options.at("sae")) {
    auto sae = SaeId::parse(text);
    if (!sae) return report(sae.error());
    body.string(sae->text());
    saes.push_back(std::move(*sae));
  }
  body.end_array().end_object();
  return run_either_way(
      invocation, "PUT", "/clients/" + name->text(), body.take(),
      [&](Offline& offline) -> Result<SecretBytes> {
        std::promise<Result<SecretBytes>> answered;
        Operations operations = offline.operations();  // its callback runs on the store's thread
        operations.put_client(*name, saes, [&](Result<std::shared_ptr<Client>> client) {
          answered.set_value(client ? Result<SecretBytes>(client_json(**client)) : client.error());
        });
        return answered.get_future().get();
      },
      [](const json::Value& client) {
        std::cout << "client " << text_of(client, "name") << "  id " << text_of(client, "client_id")
                  << "  SAE IDs " << joined(client, "sae_ids") << "\n";
        return 0;
      });
}

int client_list(const Invocation& invocation) {
  log::set_level(log::Level::warning);
  return run_either_way(
      invocation, "GET", "/clients", {},
      [](Offline& offline) -> Result<SecretBytes> { return clients_json(*offline.clients); },
      [](const json::Value& answer) {
        for (const json::Value& client : answer.member("clients")->elements()) {
          std::cout << text_of(client, "name") << "  id " << text_of(client, "client_id") << "  "
                    << (client.member("registered")->boolean().value_or(false) ? "registered"
                                                                               : "never registered")
                    << "  SAE IDs " << joined(client, "sae_ids") << "\n";
        }
        return 0;
      });
}

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// --SIDE-bytes and --SIDE-authenticator-percent.
Result<PsrdHalf> psrd_half(const Invocation& invocation, const std::string& side) {
  const auto bytes = number(invocation.option(side + "-bytes"));
  if (!bytes) return invalid("--" + side + "-bytes must be a number of bytes");
  const std::string percent = side + "-authenticator-percent";
  if (invocation.option(percent).empty()) return PsrdHalf(*bytes);
  const auto share = number(invocation.option(percent));
  if (!share || *share < 1 || *share > 99) return invalid("--" + percent + " must be a number from 1 to 99");
  return PsrdHalf(*bytes, static_cast<unsigned>(*share));
}

int psrd_assign(const Invocation& invocation) {
  log::set_level(log::Level::warning);
  const auto client = ClientName::parse(invocation.option("client"));
  if (!client) return report(client.error());
  const auto client_half = psrd_half(invocation, "client");
  if (!client_half) return report(client_half.error());
  const auto hub_half = psrd_half(invocation, "hub");
  if (!hub_half) return report(hub_half.error());
  const std::filesystem::path target = invocation.option("output");
  if (std::filesystem::exists(target)) return report(invalid(target.string() + " exists already"));
  json::Writer body;
  body.begin_object().name("client").string(client->text());
  body.name("client_bytes").integer(static_cast<std::int64_t>(client_half->bytes));
  body.name("client_authenticator_percent").integer(client_half->authenticator_percent);
  body.name("hub_bytes").integer(static_cast<std::int64_t>(hub_half->bytes));
  body.name("hub_authenticator_percent").integer(hub_half->authenticator_percent).end_object();
  return run_either_way(
      invocation, "POST", "/psrd", body.take(),
      [&](Offline& offline) -> Result<SecretBytes> {
        const auto assigned = offline.operations().assign_psrd(*client, *client_half, *hub_half);
        if (!assigned) return assigned.error();
        json::Writer writer;
        writer.begin_object().name("block_uuid").string(assigned->block.text());
        writer.name("file").string(assigned->file.string()).end_object();
        return writer.take();
      },
      [&](const json::Value& answer) {
        const std::filesystem::path made = text_of(answer, "file");
        auto contents = read_file(made, PsrdFile::kBytesMost);
        if (!contents) return report(contents.error());
        if (auto written = write_file_atomically(target, contents->view(), 0600); !written) {
          return report(written.error().within("the file is still " + made.string()));
        }
        if (auto wiped = wipe_and_remove_file(made); !wiped) return report(wiped.error());
        std::cout << "PSRD block " << text_of(answer, "block_uuid") << " for client " << client->text()
                  << " in " << target.string() << "\n";
        return 0;
      });
}

int psrd_list(const Invocation& invocation) {
  log::set_level(log::Level::warning);
  return run_either_way(
      invocation, "GET", "/psrd", {},
      [](Offline& offline) -> Result<SecretBytes> { return psrd_json(*offline.clients, offline.ingested); },
      [](const json::Value& answer) {
        for (const json::Value& client : answer.member("clients")->elements()) {
          std::cout << text_of(client, "name") << "  " << node::psrd_levels_text(*client.member("psrd"))
                    << "\n";
        }
        return 0;
      });
}

}  // namespace
}  // namespace dske::hub

int main(int argc, char** argv) {
  using namespace dske::hub;
  return dske::node::run_command_line(
      "dske-hub", "a DSKE security hub",
      {
          {{"init",
            "init --config FILE",
            "makes the state directory, the hub's id and the management token",
            {},
            {},
            0,
            0,
            {}},
           init},
          {{"serve", "serve --config FILE", "runs the hub in the foreground", {}, {}, 0, 0, {}}, serve},
          {{"client add",
            "client add NAME --sae ID [--sae ID]... --config FILE [--json]",
            "makes a client, or binds further SAE IDs to it",
            {"sae"},
            {"json"},
            1,
            1,
            {"sae"}},
           client_add},
          {{"client list", "client list --config FILE [--json]", "lists the clients", {}, {"json"}, 0, 0, {}},
           client_list},
          {{"psrd assign",
            "psrd assign --client NAME --client-bytes N --hub-bytes N [--client-authenticator-percent P]"
            " [--hub-authenticator-percent P] -o FILE --config FILE",
            "makes a block of pre-shared random data for a client and writes its file",
            {"client", "client-bytes", "hub-bytes", "client-authenticator-percent",
             "hub-authenticator-percent", "output"},
            {},
            0,
            0,
            {"client", "client-bytes", "hub-bytes", "output"}},
           psrd_assign},
          {{"psrd list",
            "psrd list --config FILE [--json]",
            "shows what is left of the PSRD, by client",
            {},
            {"json"},
            0,
            0,
            {}},
           psrd_list},
      },
      argc, argv);
}
