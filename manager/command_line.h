// The command line of dske-manager.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "manager/etsi_client.h"
#include "manager/network.h"

namespace dske::manager {

enum class CommandName { start, stop, restart, status, etsi_qkd, provision, pki, logs, courier };
enum class PkiAction { init, issue, renew, revoke, list };

struct CommandLine {
  std::filesystem::path topology;
  CommandName command = CommandName::status;
  Selection selection;  ///< --hub and --client
  bool json = false;
  bool watch = false;                           ///< status
  EtsiRequest etsi;                             ///< etsi-qkd
  std::string node;                             ///< provision, logs
  std::optional<std::filesystem::path> output;  ///< provision
  std::optional<std::int64_t> client_bytes;     ///< provision
  std::optional<std::int64_t> hub_bytes;        ///< provision
  PkiAction pki_action = PkiAction::list;       ///< pki
  std::vector<std::string> subjects;            ///< pki issue, renew: "kme/NAME", "sae/ID"; all if empty
  bool follow = false;                          ///< logs
  std::int64_t lines = 0;                       ///< logs: the last so many, 0 for all
};

/// A text that was asked for instead of a command: help or version.
struct TextAsked {
  std::string text;
};

/// The error is one line that says what is wrong and how it is right.
[[nodiscard]] Result<std::variant<CommandLine, TextAsked>> parse_command_line(int argc,
                                                                              const char* const* argv);

}  // namespace dske::manager
