#include <future>
#include <iostream>

#include "hub/commands.h"
#include "hub/management.h"
#include "hub/operator_command.h"

namespace dske::hub {
namespace {

using node::Invocation;

int add(const Invocation& invocation) {
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
  return run_and_print(
      invocation, {"PUT", "/clients/" + name->text(), body.take()},
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

int list(const Invocation& invocation) {
  return run_and_print(
      invocation, {"GET", "/clients"},
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

}  // namespace

std::vector<node::CommandAndAction> client_commands() {
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
  };
}

}  // namespace dske::hub
