#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <iostream>

#include "bench/arguments.h"
#include "bench/ceiling_benchmark.h"
#include "bench/constant_server.h"
#include "bench/handshake_benchmark.h"
#include "bench/keys_benchmark.h"
#include "bench/node_benchmark.h"
#include "bench/psrd_benchmark.h"
#include "bench/psrd_files_benchmark.h"
#include "bench/relay_benchmark.h"
#include "bench/scale_benchmark.h"
#include "bench/soak_benchmark.h"
#include "bench/stall_benchmark.h"

namespace {

using dske::bench::Arguments;
using Benchmark = std::function<dske::Result<void>()>;

constexpr std::uint64_t kMillion = 1000000;
constexpr std::uint64_t kConnectionsMost = 1024;
constexpr std::uint64_t kKeysMost = 65536;
constexpr std::uint64_t kRoundsMost = 1000;
constexpr std::uint64_t kKeyBitsMost = 65536;
constexpr std::uint64_t kNanosecondsMost = 1000000000;
const std::vector<std::string> kFlags{"same-address", "cold", "in-memory", "help"};

// Settings whose first members are the topology file and the two SAEs.
template <class Settings>
Settings between_saes(Arguments& arguments) {
  if (arguments.words().size() == 3)
    return Settings{arguments.words()[0], arguments.words()[1], arguments.words()[2]};
  arguments.fail("it takes TOPOLOGY MASTER_SAE SLAVE_SAE");
  return {};
}

Benchmark ceiling(Arguments& arguments) {
  auto settings = between_saes<dske::bench::CeilingSettings>(arguments);
  settings.connections = arguments.number("connections", settings.connections, 1, kConnectionsMost);
  settings.requests = arguments.number("requests", settings.requests, 1, kMillion);
  settings.number = arguments.number("number", settings.number, 1, kKeysMost);
  settings.size_bits = arguments.number("size", settings.size_bits, 8, kKeyBitsMost);
  settings.rounds = arguments.number("rounds", settings.rounds, 1, kRoundsMost);
  return [settings] { return run_ceiling_benchmark(settings); };
}

Benchmark keys(Arguments& arguments) {
  auto settings = between_saes<dske::bench::KeysSettings>(arguments);
  settings.connections = arguments.number("connections", settings.connections, 1, kConnectionsMost);
  settings.requests = arguments.number("requests", settings.requests, 1, kMillion);
  settings.number = arguments.number("number", settings.number, 1, kKeysMost);
  settings.rounds = arguments.number("rounds", settings.rounds, 1, kRoundsMost);
  settings.is_cold = arguments.flag("cold");
  settings.cold_bits = arguments.number("size", settings.cold_bits, 8, kKeyBitsMost);
  return [settings] { return run_keys_benchmark(settings); };
}

Benchmark handshake(Arguments& arguments) {
  auto settings = between_saes<dske::bench::HandshakeSettings>(arguments);
  settings.clients = arguments.number("connections", settings.clients, 1, 64);
  settings.handshakes = arguments.number("requests", settings.handshakes, 1, kMillion);
  settings.rounds = arguments.number("rounds", settings.rounds, 1, kRoundsMost);
  return [settings] { return run_handshake_benchmark(settings); };
}

Benchmark psrd(Arguments& arguments) {
  auto settings = between_saes<dske::bench::PsrdSettings>(arguments);
  settings.requests = arguments.number("requests", settings.requests, 1, kMillion);
  settings.number = arguments.number("number", settings.number, 1, kKeysMost);
  return [settings] { return run_psrd_benchmark(settings); };
}

Benchmark scale(Arguments& arguments) {
  dske::bench::ScaleSettings settings;
  if (arguments.words().size() == 3) {
    settings.topology_file = arguments.words()[0];
    settings.master_sae = arguments.words()[1];
    settings.slave_sae = arguments.words()[2];
  } else if (!arguments.words().empty()) {
    arguments.fail("it takes TOPOLOGY MASTER_SAE SLAVE_SAE, or none of them");
  }
  auto& network = settings.network;
  network.clients = arguments.number("clients", network.clients, 2, kMillion);
  network.pairs_per_client = arguments.number("pairs", network.pairs_per_client, 1, kMillion);
  network.keys_per_pair_and_hour =
      arguments.number("keys-per-hour", network.keys_per_pair_and_hour, 1, kMillion * kMillion);
  network.shares = arguments.number("shares", network.shares, 2, 255);
  network.keys_per_bundle = arguments.number("bundle", network.keys_per_bundle, 1, kKeysMost);
  network.key_bytes = arguments.number("size", network.key_bytes * 8, 8, kKeyBitsMost) / 8;
  network.keys_per_request = arguments.number("number", network.keys_per_request, 1, kKeysMost);
  network.stored_keys_per_pair = arguments.number("stored", network.stored_keys_per_pair, 0, kMillion);
  network.waiting_seconds = arguments.number("waiting-seconds", network.waiting_seconds, 0, 604800);
  network.cores = arguments.number("cores", network.cores, 1, 1024);
  const auto cost = [&](const std::string& option, double& seconds) {
    constexpr double kNanosecond = 1e-9;
    const auto otherwise = static_cast<std::uint64_t>(seconds / kNanosecond);
    seconds = kNanosecond * static_cast<double>(arguments.number(option, otherwise, 0, kNanosecondsMost));
  };
  cost("initiator-ns", settings.costs.initiator.per_bundle);
  cost("initiator-ns-per-byte", settings.costs.initiator.per_byte);
  cost("hub-ns", settings.costs.hub.per_bundle);
  cost("hub-ns-per-byte", settings.costs.hub.per_byte);
  cost("responder-ns", settings.costs.responder.per_bundle);
  cost("responder-ns-per-byte", settings.costs.responder.per_byte);
  cost("request-ns", settings.costs.per_request);
  const auto& costs = settings.costs;
  const bool is_given = costs.initiator.per_bundle > 0 && costs.hub.per_bundle > 0 &&
                        costs.responder.per_bundle > 0 && costs.per_request > 0;
  if (arguments.words().empty() && !is_given)
    arguments.fail(
        "without a topology on which to measure them, --initiator-ns, --hub-ns, --responder-ns and "
        "--request-ns are needed");
  return [settings] { return run_scale_benchmark(settings); };
}

Benchmark relay(Arguments& arguments) {
  dske::bench::RelaySettings settings;
  const bool in_memory = arguments.flag("in-memory");
  if (arguments.words().size() != (in_memory ? 0 : 1)) {
    arguments.fail("it takes DIRECTORY or --in-memory");
  } else if (!in_memory) {
    settings.directory = arguments.words()[0];
  }
  settings.hubs = arguments.number("hubs", settings.hubs, 2, 64);
  settings.shares_required = arguments.number("required", settings.shares_required, 2, settings.hubs);
  settings.in_flight = arguments.number("in-flight", settings.in_flight, 1, 64);
  settings.mebibytes = arguments.number("mebibytes", settings.mebibytes, 1, 1024);
  settings.rounds = arguments.number("rounds", settings.rounds, 1, 100);
  if (const auto bytes = arguments.number("bundle-bytes", std::uint64_t{0}, 0, 1048576); bytes > 0)
    settings.bundle_bytes = {std::max<std::uint64_t>(bytes, 32)};
  return [settings] { return run_relay_benchmark(settings); };
}

Benchmark stall(Arguments& arguments) {
  auto settings = between_saes<dske::bench::StallSettings>(arguments);
  settings.connections = arguments.number("connections", settings.connections, 1, kConnectionsMost);
  settings.seconds = arguments.number("seconds", settings.seconds, 1, 3600);
  settings.rounds = arguments.number("rounds", settings.rounds, 1, 100);
  settings.silent = arguments.number("silent", settings.silent, 0, 30000);
  settings.half = arguments.number("half", settings.half, 0, 30000);
  settings.addresses = arguments.number("addresses", settings.addresses, 1, kMillion);
  settings.same_address = arguments.flag("same-address");
  const std::string call = arguments.text("call", "status");
  if (call != "status" && call != "enc_keys") arguments.fail("--call is status or enc_keys");
  settings.get_keys = call == "enc_keys";
  return [settings] { return run_stall_benchmark(settings); };
}

Benchmark soak(Arguments& arguments) {
  auto settings = between_saes<dske::bench::SoakSettings>(arguments);
  settings.pairs = arguments.number("pairs", settings.pairs, 1, 1000 * kMillion);
  settings.connections = arguments.number("connections", settings.connections, 1, kConnectionsMost);
  settings.number = arguments.number("number", settings.number, 1, kKeysMost);
  settings.seconds_between_samples = arguments.number("seconds", settings.seconds_between_samples, 1, 3600);
  settings.block_bytes =
      arguments.number("block-bytes", settings.block_bytes, 16384, std::uint64_t{64} << 20);
  settings.tolerance_mebibytes = arguments.number("tolerance-mib", settings.tolerance_mebibytes, 0, kMillion);
  settings.samples_file = arguments.text("samples", "");
  return [settings] { return run_soak_benchmark(settings); };
}

Benchmark psrd_files(Arguments& arguments) {
  dske::bench::PsrdFilesSettings settings;
  if (arguments.words().size() == 1) {
    settings.directory = arguments.words()[0];
  } else {
    arguments.fail("it takes DIRECTORY");
  }
  settings.mebibytes = arguments.number("mebibytes", settings.mebibytes, 1, 2048);
  settings.rounds = arguments.number("rounds", settings.rounds, 1, 100);
  return [settings] { return run_psrd_files_benchmark(settings); };
}

// The child process of ceiling and keys.
Benchmark constant_server(Arguments& arguments) {
  return [words = arguments.words()] { return dske::bench::serve_constant(words); };
}

struct Command {
  const char* name;
  const char* usage;  // null: not told
  const char* purpose;
  Benchmark (*prepare)(Arguments&);
};

constexpr std::array<Command, 10> kCommands{{
    {"ceiling",
     "TOPOLOGY MASTER_SAE SLAVE_SAE [--connections C] [--number N] [--size BITS] [--requests R] [--rounds R]",
     "what HTTP and TLS alone allow key delivery: the same server answers a constant. The nodes need not run",
     ceiling},
    {"keys",
     "TOPOLOGY MASTER_SAE SLAVE_SAE [--connections C] [--number N] [--requests R] [--rounds R] [--cold "
     "[--size BITS]]",
     "enc_keys and dec_keys over mutual TLS, from the key store or (--cold) on demand, beside the ceiling",
     keys},
    {"handshake", "TOPOLOGY MASTER_SAE SLAVE_SAE [--connections C] [--requests R] [--rounds R]",
     "new mutual-TLS connections per second, full and resumed, beside what the cryptography alone allows",
     handshake},
    {"psrd", "TOPOLOGY MASTER_SAE SLAVE_SAE [--requests R] [--number N]",
     "what keys cost in PSRD, per hub and direction, as both ends tell, beside the lower bound", psrd},
    {"relay",
     "DIRECTORY | --in-memory [--hubs 5] [--required 3] [--bundle-bytes B] [--in-flight 16] [--mebibytes 16] "
     "[--rounds 5]",
     "how much secret is established end to end over hubs that it starts itself in DIRECTORY, by bundle "
     "size, beside the protocol alone and HTTP alone",
     relay},
    {"scale",
     "[TOPOLOGY MASTER_SAE SLAVE_SAE] [--clients N] [--pairs P] [--keys-per-hour K] [--shares N] [--bundle "
     "M]\n"
     "      [--number N] [--size BITS] [--stored N] [--waiting-seconds S] [--cores C] [--initiator-ns T] "
     "[--hub-ns T]\n"
     "      [--responder-ns T] [--initiator-ns-per-byte T] [--hub-ns-per-byte T] [--responder-ns-per-byte "
     "T]\n"
     "      [--request-ns T]",
     "a large network by simulation, from costs measured on the topology, or given", scale},
    {"stall",
     "TOPOLOGY MASTER_SAE SLAVE_SAE [--connections C] [--seconds S] [--rounds R] [--silent 1000] [--half "
     "200]\n"
     "      [--addresses 100 | --same-address] [--call enc_keys]",
     "whether silent connections and half TLS handshakes slow down clients that behave; fails if one of "
     "these is\n"
     "      not served or if the KME keeps descriptors",
     stall},
    {"soak",
     "TOPOLOGY MASTER_SAE SLAVE_SAE [--pairs 1000000] [--connections 32] [--number N] [--seconds S]\n"
     "      [--block-bytes B] [--tolerance-mib M] [--samples FILE]",
     "fetches very many keys at both ends and shows how every node's memory and descriptors develop; "
     "provisions\n"
     "      PSRD as it goes; fails if a pair fails or a node grows",
     soak},
    {"psrd-files", "DIRECTORY [--mebibytes 1024] [--rounds 3]",
     "how fast one large PSRD file is made and ingested, in how much memory, and how fast the disk is",
     psrd_files},
    {"constant-server", nullptr, nullptr, constant_server},
}};

void print_usage(std::ostream& out) {
  out << "usage:\n";
  for (const Command& command : kCommands) {
    if (command.usage == nullptr) continue;
    out << "  dske-bench " << command.name << " " << command.usage << "\n      " << command.purpose << "\n";
  }
  out << "Those with two SAEs run against a topology that is running on this machine, so both share its "
         "cores\n"
         "(scripts/bench.sh makes one for measuring). stall and soak look into the nodes' processes, which "
         "only root "
         "may.\n";
}

int wrong_usage(const std::string& message) {
  std::cerr << "dske-bench: " << message << "\n";
  print_usage(std::cerr);
  return 2;
}

int run(std::vector<std::string> words) {
  if (words.empty()) return wrong_usage("a command is missing");
  const std::string name = words.front();
  words.erase(words.begin());
  Arguments arguments(std::move(words), kFlags);
  if (name == "--help" || name == "-h" || arguments.flag("help")) {
    print_usage(std::cout);
    return 0;
  }
  const auto* const command = std::find_if(kCommands.begin(), kCommands.end(),
                                           [&](const Command& each) { return name == each.name; });
  if (command == kCommands.end()) return wrong_usage("there is no command " + name);
  const Benchmark benchmark = command->prepare(arguments);
  if (const std::string fault = arguments.fault(); !fault.empty()) return wrong_usage(name + ": " + fault);
  if (const auto done = benchmark(); !done) {
    std::cerr << "dske-bench: " << done.error().message << "\n";
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // A server that closes a connection must not end the benchmark.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  try {
    if (argc > 1 && std::string_view(argv[1]) == "node")
      return dske::bench::run_node_command(argc - 1, argv + 1);
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << "dske-bench: " << error.what() << "\n";
    return 1;
  }
}
