#include <charconv>
#include <filesystem>
#include <iostream>
#include <optional>

#include "base/file_stream.h"
#include "base/random.h"
#include "hub/commands.h"
#include "hub/operator_command.h"
#include "hub/psrd_listing.h"
#include "hub/psrd_routes.h"
#include "node/psrd_report.h"
#include "psrdfile/content_key.h"
#include "psrdfile/recipient.h"
#include "psrdfile/sealed_file.h"

namespace dske::hub {
namespace {

using node::Invocation;

constexpr std::size_t kRevokedMost = 1000;

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

// For whom the file is to be encrypted; nothing if it is not.
Result<std::optional<Recipient>> recipient_of(const Invocation& invocation) {
  const std::string passphrase_file = invocation.option("passphrase-file");
  const std::string certificate_file = invocation.option("recipient");
  if (!passphrase_file.empty() && !certificate_file.empty()) {
    return invalid("give --passphrase-file or --recipient, not both");
  }
  if (!passphrase_file.empty()) {
    auto passphrase = read_passphrase(passphrase_file);
    if (!passphrase) return passphrase.error();
    return std::optional<Recipient>(std::move(*passphrase));
  }
  if (!certificate_file.empty()) {
    auto certificate = read_certificate(certificate_file);
    if (!certificate) return certificate.error();
    return std::optional<Recipient>(std::move(*certificate));
  }
  return std::optional<Recipient>();
}

// The same file again, encrypted.
Result<void> encrypt_file(const std::filesystem::path& made, const std::filesystem::path& target,
                          const Recipient& recipient) {
  const auto from = FileSource::open(made);
  if (!from) return from.error();
  auto file = FileSink::create(target, 0600);
  if (!file) return file.error();
  SystemRandomness randomness;
  const auto to = seal_for(recipient, std::move(*file), randomness);
  if (!to) return to.error();
  SecretBytes part(std::size_t{1} << 20);
  for (;;) {
    const auto count = (*from)->read(part.span());
    if (!count) return count.error();
    if (*count == 0) break;
    if (auto written = (*to)->write(part.view().first(*count)); !written) return written;
  }
  if (auto finished = (*to)->finish(); !finished) return finished;
  return wipe_and_remove_file(made);
}

// Moves a file that was made in the state directory to where the operator wants it.
Result<void> deliver(const std::filesystem::path& made, const std::filesystem::path& target,
                     const std::optional<Recipient>& recipient) {
  auto moved = recipient ? encrypt_file(made, target, *recipient) : move_private_file(made, target);
  if (!moved) return moved.error().within("the file is still " + made.string());
  return moved;
}

int assign(const Invocation& invocation) {
  const auto client = ClientName::parse(invocation.option("client"));
  if (!client) return report(client.error());
  const auto client_half = psrd_half(invocation, "client");
  if (!client_half) return report(client_half.error());
  const auto hub_half = psrd_half(invocation, "hub");
  if (!hub_half) return report(hub_half.error());
  const auto recipient = recipient_of(invocation);
  if (!recipient) return report(recipient.error());
  if (*recipient) {
    // What nothing can be encrypted for is found before a block is made.
    SystemRandomness randomness;
    if (auto sealed = seal_content_key(**recipient, randomness.bytes(kContentKeyBytes).view(), randomness);
        !sealed) {
      return report(sealed.error());
    }
  }
  const std::filesystem::path target = invocation.option("output");
  if (*recipient && target.empty()) return report(invalid("an encrypted file needs -o FILE"));
  if (!target.empty() && std::filesystem::exists(target)) {
    return report(invalid(target.string() + " exists already"));
  }
  const bool first = invocation.flag("first");
  json::Writer body;
  body.begin_object().name("client").string(client->text());
  body.name("client_bytes").integer(static_cast<std::int64_t>(client_half->bytes));
  body.name("client_authenticator_percent").integer(client_half->authenticator_percent);
  body.name("hub_bytes").integer(static_cast<std::int64_t>(hub_half->bytes));
  body.name("hub_authenticator_percent").integer(hub_half->authenticator_percent);
  body.name("first").boolean(first).end_object();
  const auto answer = run_either_way(
      invocation, {"POST", "/psrd", body.take()}, [&](Offline& offline) -> Result<SecretBytes> {
        if (first) {
          if (auto checked = offline.administration().check_without_psrd(*client); !checked)
            return checked.error();
        }
        const auto assigned = offline.operations().assign_psrd(*client, *client_half, *hub_half);
        if (!assigned) return assigned.error();
        return assigned_json(assigned->block.text(), assigned->file);
      });
  if (!answer) return report(answer.error());
  const std::string block = text_of(answer->root(), "block_uuid");
  std::filesystem::path file = text_of(answer->root(), "file");
  if (!target.empty()) {
    if (auto moved = deliver(file, target, *recipient); !moved) return report(moved.error());
    file = target;
  }
  if (invocation.flag("json")) {
    const auto told = json::Document::parse(assigned_json(block, file).text());
    if (!told) return report(told.error());
    print_json(told->root());
  } else {
    std::cout << "PSRD block " << block << " for client " << client->text() << " in " << file.string()
              << "\n";
  }
  return 0;
}

int list(const Invocation& invocation) {
  return run_and_print(
      invocation, {"GET", "/psrd"},
      [](Offline& offline) -> Result<SecretBytes> {
        return psrd_json(*offline.clients, offline.files, offline.ingested);
      },
      [](const json::Value& answer) {
        std::cout << node::psrd_table("CLIENT", *answer.member("clients"), answer.member("warnings"));
        for (const json::Value& client : answer.member("clients")->elements()) {
          std::cout << "blocks of " << text_of(client, "name") << ":\n";
          for (const json::Value& block : client.member("blocks")->elements()) {
            const std::string file = text_of(block, "file");
            std::cout << "  " << text_of(block, "block_uuid") << "  " << text_of(block, "state")
                      << (file.empty() ? "" : "  " + file) << "\n";
          }
          for (const json::Value& block : client.member("revoked_blocks")->elements()) {
            std::cout << "  " << block.string().value_or("") << "  revoked\n";
          }
        }
        return 0;
      });
}

int revoke(const Invocation& invocation) {
  const bool all = invocation.flag("client");
  if (all == !invocation.arguments.empty()) {
    std::cerr << "dske-hub: psrd revoke: give either blocks or --client (see dske-hub --help)\n";
    return 2;
  }
  std::vector<BlockId> blocks;
  for (const std::string& text : invocation.arguments) {
    const auto block = BlockId::parse(text);
    if (!block) return report(block.error().within(text));
    blocks.push_back(*block);
  }
  const auto client = all ? ClientName::parse(invocation.option("client")) : Result<ClientName>(ClientName());
  if (!client) return report(client.error());
  json::Writer body;
  body.begin_object();
  if (all) {
    body.name("client").string(client->text());
  } else {
    body.name("block_uuids").begin_array();
    for (const BlockId& block : blocks) body.string(block.text());
    body.end_array();
  }
  body.end_object();
  return run_and_print(
      invocation, {"POST", "/psrd/revoke", body.take()},
      [&](Offline& offline) -> Result<SecretBytes> {
        ClientAdministration administration = offline.administration();
        const auto revoked = all ? administration.revoke_all(*client) : administration.revoke(blocks);
        if (!revoked) return revoked.error();
        return revoked_json(*revoked);
      },
      [](const json::Value& answer) {
        for (const json::Value& block : answer.member("revoked")->elements()) {
          std::cout << "PSRD block " << text_of(block, "block_uuid") << " of client "
                    << text_of(block, "client") << " revoked\n";
        }
        return 0;
      });
}

}  // namespace

std::vector<node::CommandAndAction> psrd_commands() {
  return {
      {{"psrd assign",
        "psrd assign --client NAME|ID --client-bytes N --hub-bytes N [--client-authenticator-percent P]"
        " [--hub-authenticator-percent P] [--passphrase-file FILE | --recipient CERT.pem] [--first] [-o FILE]"
        " --config FILE [--json]",
        "makes a block of pre-shared random data for a client and its file; --first: only if it has had none",
        {"client", "client-bytes", "hub-bytes", "client-authenticator-percent", "hub-authenticator-percent",
         "output", "passphrase-file", "recipient"},
        {"json", "first"},
        0,
        0,
        {"client", "client-bytes", "hub-bytes"}},
       assign},
      {{"psrd list",
        "psrd list --config FILE [--json]",
        "shows what is left of the PSRD, by client and zone, and how fast it is used",
        {},
        {"json"},
        0,
        0,
        {}},
       list},
      {{"psrd revoke",
        "psrd revoke BLOCK_UUID... | --client NAME --config FILE [--json]",
        "wipes blocks, or all of a client's, and never uses them again",
        {"client"},
        {"json"},
        0,
        kRevokedMost,
        {}},
       revoke},
  };
}

}  // namespace dske::hub
