// How an operator command of dske-hub reaches the hub: on the store while no daemon runs, through the
// daemon's management interface otherwise.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "hub/client_administration.h"
#include "hub/client_registry.h"
#include "hub/hub_config.h"
#include "hub/operations.h"
#include "hub/ready_files.h"
#include "node/command_line.h"
#include "store/hub_store.h"

namespace dske::hub {

/// Prints the error and answers exit status 1.
[[nodiscard]] int report(const Error& error);

/// The configuration that --config names.
[[nodiscard]] Result<HubConfig> config_of(const node::Invocation& invocation);

/// The hub's parts that operator commands work on while no daemon runs.
struct Offline {
  Offline(DirectoryLock taken_lock, HubConfig hub_config, std::unique_ptr<store::HubStore> opened_store,
          const HubId& hub_id);

  [[nodiscard]] static Result<std::unique_ptr<Offline>> open(DirectoryLock lock, const HubConfig& config);

  [[nodiscard]] Operations operations() {
    return {id, config, *clients, *store, randomness, psrd_randomness};
  }

  [[nodiscard]] ClientAdministration administration() { return {*clients, *store, files}; }

  DirectoryLock lock;
  HubConfig config;
  std::unique_ptr<store::HubStore> store;
  SystemRandomness randomness;
  PsrdRandomness psrd_randomness;
  ReadyFiles files;
  HubId id;
  std::unique_ptr<ClientRegistry> clients;
  std::set<BlockId> ingested;  ///< the blocks that their clients have listed
};

/// What a command asks of the management interface, below /hub/NAME/mgmt/v1.
struct ManagementCall {
  std::string method;
  std::string path;
  SecretBytes body = {};
};

/// Asks the running daemon, or does `offline_action` on the store; answers the JSON that either gives.
[[nodiscard]] Result<json::Document> run_either_way(
    const node::Invocation& invocation, ManagementCall call,
    const std::function<Result<SecretBytes>(Offline&)>& offline_action);

/// Runs a command either way and prints what it answers: as it is with --json, else by `print`, which answers
/// the exit status.
[[nodiscard]] int run_and_print(const node::Invocation& invocation, ManagementCall call,
                                const std::function<Result<SecretBytes>(Offline&)>& offline_action,
                                const std::function<int(const json::Value&)>& print);

/// Prints a JSON value as one line.
void print_json(const json::Value& value);

/// A member that is a string; empty if there is none.
[[nodiscard]] std::string text_of(const json::Value& object, std::string_view name);
/// The strings of a member that is an array: "a, b".
[[nodiscard]] std::string joined(const json::Value& object, std::string_view name);

}  // namespace dske::hub
