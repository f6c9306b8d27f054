#include <functional>
#include <iostream>
#include <optional>

#include <cxxopts.hpp>

#include "bench/keys_benchmark.h"
#include "bench/node_benchmark.h"
#include "bench/psrd_benchmark.h"
#include "bench/psrd_files_benchmark.h"
#include "bench/soak_benchmark.h"
#include "bench/stall_benchmark.h"

namespace {

constexpr const char* kUsage =
    "usage: dske-bench keys TOPOLOGY MASTER_SAE SLAVE_SAE [--connections C] [--requests R] [--number N]\n"
    "       dske-bench psrd TOPOLOGY MASTER_SAE SLAVE_SAE [--requests R] [--number N]\n"
    "       dske-bench stall TOPOLOGY MASTER_SAE SLAVE_SAE [--connections C] [--seconds S] [--rounds R]\n"
    "                        [--silent 1000] [--half 200] [--addresses 100 | --same-address] [--call "
    "enc_keys]\n"
    "       dske-bench soak TOPOLOGY MASTER_SAE SLAVE_SAE [--pairs 1000000] [--connections 32] [--number N]\n"
    "                       [--seconds S] [--block-bytes B] [--tolerance-mib M] [--samples FILE]\n"
    "       dske-bench psrd-files DIRECTORY [--mebibytes 1024] [--rounds 3]\n"
    "\n"
    "keys   measures keys per second and latency of enc_keys and of dec_keys over mutual TLS, and the PSRD "
    "spent\n"
    "       per key\n"
    "psrd   measures what keys cost in PSRD, per hub and direction, as both ends tell, beside the lower "
    "bound\n"
    "stall  measures whether silent connections and half TLS handshakes slow down clients that behave; fails "
    "if\n"
    "       one of these is not served or if the KME keeps descriptors\n"
    "soak   fetches very many keys at both ends and shows how every node's memory and descriptors develop, "
    "sampled\n"
    "       every S seconds; provisions PSRD as it goes; fails if a pair fails or a node grows\n"
    "\n"
    "psrd-files  measures how fast one large PSRD file is made and ingested by dske-hub and dske-kme, in how "
    "much\n"
    "       memory, and how fast the disk of DIRECTORY is\n"
    "\n"
    "The others run against a topology that is running on this machine, so both share its cores. stall and "
    "soak "
    "look into\n"
    "the nodes' processes, which only root may.\n";

int wrong_usage(const std::string& message) {
  std::cerr << "dske-bench: " << message << "\n" << kUsage;
  return 2;
}

/// An option's number within its limits; notes what is wrong.
class Numbers {
 public:
  explicit Numbers(const cxxopts::ParseResult& parsed) : parsed_(parsed) {}

  template <class Number>
  Number read(const std::string& option, Number otherwise, std::uint64_t least, std::uint64_t most) {
    if (parsed_.count(option) == 0) return otherwise;
    const auto value = parsed_[option].as<std::uint64_t>();
    if ((value < least || value > most) && fault_.empty())
      fault_ = "--" + option + " is " + std::to_string(least) + " to " + std::to_string(most);
    return static_cast<Number>(value);
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  const cxxopts::ParseResult& parsed_;
  std::string fault_;
};

constexpr std::uint64_t kMillion = 1000000;

int run(int argc, char** argv) {
  cxxopts::Options options("dske-bench");
  auto add = options.add_options();
  add("words", "", cxxopts::value<std::vector<std::string>>());
  for (const char* name : {"connections", "requests", "number", "seconds", "rounds", "silent", "half",
                           "addresses", "pairs", "mebibytes", "block-bytes", "tolerance-mib"}) {
    add(name, "", cxxopts::value<std::uint64_t>());
  }
  add("call", "", cxxopts::value<std::string>()->default_value("status"));
  add("samples", "", cxxopts::value<std::string>()->default_value(""));
  add("same-address", "")("h,help", "");
  options.parse_positional({"words"});
  const auto parsed = options.parse(argc, argv);
  if (parsed.count("help") > 0) {
    std::cout << kUsage;
    return 0;
  }
  const auto words =
      parsed.count("words") > 0 ? parsed["words"].as<std::vector<std::string>>() : std::vector<std::string>();
  Numbers numbers(parsed);
  std::function<dske::Result<void>()> benchmark;
  const bool on_files = !words.empty() && words[0] == "psrd-files";
  if (on_files && words.size() != 2) return wrong_usage("psrd-files takes a DIRECTORY");
  if (!on_files && words.size() != 4) {
    return wrong_usage("COMMAND TOPOLOGY MASTER_SAE SLAVE_SAE is what it takes");
  }
  if (on_files) {
    dske::bench::PsrdFilesSettings settings{words[1]};
    settings.mebibytes = numbers.read("mebibytes", settings.mebibytes, 1, 2048);
    settings.rounds = numbers.read("rounds", settings.rounds, 1, 100);
    benchmark = [settings] { return run_psrd_files_benchmark(settings); };
  } else if (words[0] == "keys") {
    dske::bench::KeysSettings settings{words[1], words[2], words[3]};
    settings.connections = numbers.read("connections", settings.connections, 1, 1024);
    settings.requests = numbers.read("requests", settings.requests, 1, kMillion);
    settings.number = numbers.read("number", settings.number, 1, 65536);
    benchmark = [settings] { return run_keys_benchmark(settings); };
  } else if (words[0] == "psrd") {
    dske::bench::PsrdSettings settings{words[1], words[2], words[3]};
    settings.requests = numbers.read("requests", settings.requests, 1, kMillion);
    settings.number = numbers.read("number", settings.number, 1, 65536);
    benchmark = [settings] { return run_psrd_benchmark(settings); };
  } else if (words[0] == "stall") {
    dske::bench::StallSettings settings{words[1], words[2], words[3]};
    settings.connections = numbers.read("connections", settings.connections, 1, 1024);
    settings.seconds = numbers.read("seconds", settings.seconds, 1, 3600);
    settings.rounds = numbers.read("rounds", settings.rounds, 1, 100);
    settings.silent = numbers.read("silent", settings.silent, 0, 30000);
    settings.half = numbers.read("half", settings.half, 0, 30000);
    settings.addresses = numbers.read("addresses", settings.addresses, 1, kMillion);
    settings.same_address = parsed.count("same-address") > 0;
    const auto call = parsed["call"].as<std::string>();
    if (call != "status" && call != "enc_keys") return wrong_usage("--call is status or enc_keys");
    settings.get_keys = call == "enc_keys";
    benchmark = [settings] { return run_stall_benchmark(settings); };
  } else if (words[0] == "soak") {
    dske::bench::SoakSettings settings{words[1], words[2], words[3]};
    settings.pairs = numbers.read("pairs", settings.pairs, 1, 1000 * kMillion);
    settings.connections = numbers.read("connections", settings.connections, 1, 1024);
    settings.number = numbers.read("number", settings.number, 1, 65536);
    settings.seconds_between_samples = numbers.read("seconds", settings.seconds_between_samples, 1, 3600);
    settings.block_bytes = numbers.read("block-bytes", settings.block_bytes, 16384, std::uint64_t{64} << 20);
    settings.tolerance_mebibytes = numbers.read("tolerance-mib", settings.tolerance_mebibytes, 0, kMillion);
    settings.samples_file = parsed["samples"].as<std::string>();
    benchmark = [settings] { return run_soak_benchmark(settings); };
  } else {
    return wrong_usage("there is no command " + words[0]);
  }
  if (!numbers.fault().empty()) return wrong_usage(numbers.fault());
  if (const auto done = benchmark(); !done) {
    std::cerr << "dske-bench: " << done.error().message << "\n";
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc > 1 && std::string_view(argv[1]) == "node")
      return dske::bench::run_node_command(argc - 1, argv + 1);
    return run(argc, argv);
  } catch (const std::exception& error) {
    return wrong_usage(error.what());
  }
}
