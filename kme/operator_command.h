// How an operator command of dske-kme reaches the KME: on the store while no daemon runs, through the
// daemon's management interface otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "kme/kme_config.h"
#include "node/command_line.h"
#include "store/kme_store.h"

namespace dske::kme {

/// Prints the error and answers exit status 1.
[[nodiscard]] int report(const Error& error);

/// The configuration that --config names.
[[nodiscard]] Result<KmeConfig> config_of(const node::Invocation& invocation);

/// What operator commands work on while no daemon runs.
struct Offline {
  [[nodiscard]] static Result<Offline> open(DirectoryLock lock, const KmeConfig& config);

  DirectoryLock lock;
  std::unique_ptr<store::KmeStore> store;
  store::KmeStore::Contents contents;
};

/// What a command asks of the management interface, below /client/NAME/mgmt/v1.
struct ManagementCall {
  std::string method;
  std::string path;
  SecretBytes body = {};
};

/// Asks the running daemon, or does `offline_action` on the store; answers the JSON that either gives.
[[nodiscard]] Result<json::Document> run_either_way(
    const KmeConfig& config, ManagementCall call,
    const std::function<Result<SecretBytes>(Offline&)>& offline_action);

/// Reads the configuration, runs a command either way and prints what it answers: as it is with --json, else
/// by `print`.
[[nodiscard]] int run_and_print(
    const node::Invocation& invocation, ManagementCall call,
    const std::function<Result<SecretBytes>(Offline&, const KmeConfig&)>& offline_action,
    const std::function<void(const json::Value&)>& print);

/// A member that is a string; empty if there is none.
[[nodiscard]] std::string text_of(const json::Value& object, std::string_view name);

}  // namespace dske::kme
