#include <charconv>
#include <filesystem>
#include <iostream>
#include <optional>

#include "base/file_stream.h"
#include "hub/commands.h"
#include "hub/management.h"
#include "hub/operator_command.h"
#include "node/psrd_report.h"

namespace dske::hub {
namespace {

using node::Invocation;

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

// Moves a file that was made in the state directory to where the operator wants it.
Result<void> deliver(const std::filesystem::path& made, const std::filesystem::path& target) {
  auto moved = move_private_file(made, target);
  if (!moved) return moved.error().within("the file is still " + made.string());
  return moved;
}

SecretBytes assigned_json(const std::string& block, const std::filesystem::path& file) {
  json::Writer writer;
  writer.begin_object().name("block_uuid").string(block);
  writer.name("file").string(file.string()).end_object();
  return writer.take();
}

int assign(const Invocation& invocation) {
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
  const auto answer = run_either_way(
      invocation, {"POST", "/psrd", body.take()}, [&](Offline& offline) -> Result<SecretBytes> {
        const auto assigned = offline.operations().assign_psrd(*client, *client_half, *hub_half);
        if (!assigned) return assigned.error();
        return assigned_json(assigned->block.text(), assigned->file);
      });
  if (!answer) return report(answer.error());
  const std::string block = text_of(answer->root(), "block_uuid");
  if (auto moved = deliver(text_of(answer->root(), "file"), target); !moved) return report(moved.error());
  if (invocation.flag("json")) {
    const auto told = json::Document::parse(assigned_json(block, target).text());
    if (!told) return report(told.error());
    print_json(told->root());
  } else {
    std::cout << "PSRD block " << block << " for client " << client->text() << " in " << target.string()
              << "\n";
  }
  return 0;
}

int list(const Invocation& invocation) {
  return run_and_print(
      invocation, {"GET", "/psrd"},
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

std::vector<node::CommandAndAction> psrd_commands() {
  return {
      {{"psrd assign",
        "psrd assign --client NAME --client-bytes N --hub-bytes N [--client-authenticator-percent P]"
        " [--hub-authenticator-percent P] -o FILE --config FILE [--json]",
        "makes a block of pre-shared random data for a client and writes its file",
        {"client", "client-bytes", "hub-bytes", "client-authenticator-percent", "hub-authenticator-percent",
         "output"},
        {"json"},
        0,
        0,
        {"client", "client-bytes", "hub-bytes", "output"}},
       assign},
      {{"psrd list",
        "psrd list --config FILE [--json]",
        "shows what is left of the PSRD, by client",
        {},
        {"json"},
        0,
        0,
        {}},
       list},
  };
}

}  // namespace dske::hub
