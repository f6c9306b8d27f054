#include <future>
#include <iostream>

#include "hub/client_routes.h"
#include "hub/commands.h"
#include "hub/operator_command.h"

namespace dske::hub {
namespace {

using node::CommandAndAction;
using node::Invocation;

// SAE IDs, and the JSON array of them.
struct SaeIds {
  std::vector<SaeId> ids;
  void write(json::Writer& writer) const {
    writer.begin_array();
    for (const SaeId& id : ids) writer.string(id.text());
    writer.end_array();
  }
};

template <class Texts>
Result<SaeIds> parse_saes(const Texts& begin, const Texts& end) {
  SaeIds saes;
  for (auto text = begin; text != end; ++text) {
    auto sae = SaeId::parse(*text);
    if (!sae) return sae.error();
    saes.ids.push_back(std::move(*sae));
  }
  return saes;
}

// Waits for what the store's thread answers about a client.
template <class Call>
Result<SecretBytes> client_answer(const Call& call) {
  std::promise<Result<SecretBytes>> answered;
  call([&](Result<std::shared_ptr<Client>> client) {
    answered.set_value(client ? Result<SecretBytes>(client_json(**client)) : client.error());
  });
  return answered.get_future().get();
}

void print_client(const json::Value& client) {
  const auto is = [&](std::string_view name) { return client.member(name)->boolean().value_or(false); };
  std::cout << text_of(client, "name") << "  id " << text_of(client, "client_id") << "  "
            << (is("registered") ? "registered" : "never registered") << (is("enabled") ? "" : ", disabled")
            << "  SAE IDs " << joined(client, "sae_ids") << "\n";
}

int print_changed(const json::Value& client) {
  std::cout << "client ";
  print_client(client);
  return 0;
}

int add(const Invocation& invocation) {
  const auto name = ClientName::parse(invocation.arguments.at(0));
  if (!name) return report(name.error());
  const auto& texts = invocation.options.at("sae");
  const auto saes = parse_saes(texts.begin(), texts.end());
  if (!saes) return report(saes.error());
  json::Writer body;
  saes->write(body.begin_object().name("sae_ids"));
  body.end_object();
  return run_and_print(
      invocation, {"PUT", "/clients/" + name->text(), body.take()},
      [&](Offline& offline) {
        Operations operations = offline.operations();
        return client_answer([&](auto done) { operations.put_client(*name, saes->ids, std::move(done)); });
      },
      print_changed);
}

int list(const Invocation& invocation) {
  return run_and_print(
      invocation, {"GET", "/clients"},
      [](Offline& offline) -> Result<SecretBytes> { return clients_json(*offline.clients); },
      [](const json::Value& answer) {
        for (const json::Value& client : answer.member("clients")->elements()) print_client(client);
        return 0;
      });
}

int set_enabled(const Invocation& invocation, bool enabled) {
  const auto name = ClientName::parse(invocation.arguments.at(0));
  if (!name) return report(name.error());
  return run_and_print(
      invocation, {"POST", "/clients/" + name->text() + (enabled ? "/enable" : "/disable")},
      [&](Offline& offline) {
        ClientAdministration administration = offline.administration();
        return client_answer([&](auto done) { administration.set_enabled(*name, enabled, std::move(done)); });
      },
      print_changed);
}

int remove(const Invocation& invocation) {
  const auto name = ClientName::parse(invocation.arguments.at(0));
  if (!name) return report(name.error());
  return run_and_print(
      invocation, {"DELETE", "/clients/" + name->text()},
      [&](Offline& offline) -> Result<SecretBytes> {
        const auto removed = offline.administration().remove(*name);
        if (!removed) return removed.error();
        return removed_json(*name, *removed);
      },
      [](const json::Value& answer) {
        std::cout << "client " << text_of(answer, "removed") << " removed with "
                  << answer.member("psrd_blocks")->integer().value_or(0) << " PSRD blocks, "
                  << answer.member("psrd_files")->integer().value_or(0) << " of them in ready files\n";
        return 0;
      });
}

int change_saes(const Invocation& invocation, bool binds) {
  const auto name = ClientName::parse(invocation.arguments.at(0));
  if (!name) return report(name.error());
  const auto saes = parse_saes(invocation.arguments.begin() + 1, invocation.arguments.end());
  if (!saes) return report(saes.error());
  json::Writer body;
  saes->write(body.begin_object().name(binds ? "add" : "remove"));
  body.end_object();
  return run_and_print(
      invocation, {"POST", "/clients/" + name->text() + "/sae-ids", body.take()},
      [&](Offline& offline) {
        ClientAdministration administration = offline.administration();
        return client_answer([&](auto done) {
          administration.change_saes(*name, binds ? saes->ids : std::vector<SaeId>(),
                                     binds ? std::vector<SaeId>() : saes->ids, std::move(done));
        });
      },
      print_changed);
}

CommandAndAction about_one(const std::string& words, const std::string& help,
                           std::function<int(const Invocation&)> run) {
  return {{words, words + " NAME --config FILE [--json]", help, {}, {"json"}, 1, 1, {}}, std::move(run)};
}

CommandAndAction about_saes(const std::string& words, const std::string& help, bool binds) {
  constexpr std::size_t kArgumentsMost = 1025;
  return {
      {words, words + " NAME SAE_ID... --config FILE [--json]", help, {}, {"json"}, 2, kArgumentsMost, {}},
      [binds](const Invocation& invocation) { return change_saes(invocation, binds); }};
}

}  // namespace

std::vector<CommandAndAction> client_commands() {
  return {
      {{"client add",
        "client add NAME --sae ID [--sae ID]... --config FILE [--json]",
        "makes a client, or binds further SAE IDs to it",
        {"sae"},
        {"json"},
        1,
        1,
        {"sae"}},
       add},
      {{"client list", "client list --config FILE [--json]", "lists the clients", {}, {"json"}, 0, 0, {}},
       list},
      about_one("client disable", "refuses from now on what a client sends; keeps its PSRD and shares",
                [](const Invocation& invocation) { return set_enabled(invocation, false); }),
      about_one("client enable", "takes back client disable",
                [](const Invocation& invocation) { return set_enabled(invocation, true); }),
      about_one("client remove", "removes a client and wipes its PSRD, its shares and its ready files",
                remove),
      about_saes("client sae add", "binds SAE IDs to a client", true),
      about_saes("client sae remove", "unbinds SAE IDs from a client", false),
  };
}

}  // namespace dske::hub
