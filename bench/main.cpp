#include <iostream>

#include <cxxopts.hpp>

#include "bench/keys_benchmark.h"

namespace {

constexpr const char* kUsage =
    "usage: dske-bench keys TOPOLOGY MASTER_SAE SLAVE_SAE [--connections C] [--requests R] [--number N]\n"
    "\n"
    "Measures, against a running topology, keys per second and latency of enc_keys and of dec_keys over "
    "mutual TLS,\n"
    "and the PSRD spent per key. All of it runs on the machine that the network runs on, so both share its "
    "cores.\n";

int wrong_usage(const std::string& message) {
  std::cerr << "dske-bench: " << message << "\n" << kUsage;
  return 2;
}

int run(int argc, char** argv) {
  cxxopts::Options options("dske-bench");
  options.add_options()("words", "", cxxopts::value<std::vector<std::string>>())(
      "connections", "", cxxopts::value<unsigned>()->default_value("1"))(
      "requests", "", cxxopts::value<std::uint32_t>()->default_value("1000"))(
      "number", "", cxxopts::value<std::uint32_t>()->default_value("1"))("h,help", "");
  options.parse_positional({"words"});
  const auto parsed = options.parse(argc, argv);
  if (parsed.count("help") > 0) {
    std::cout << kUsage;
    return 0;
  }
  const auto words =
      parsed.count("words") > 0 ? parsed["words"].as<std::vector<std::string>>() : std::vector<std::string>();
  if (words.size() != 4 || words[0] != "keys")
    return wrong_usage("keys TOPOLOGY MASTER_SAE SLAVE_SAE is what it takes");
  dske::bench::KeysSettings settings{words[1],
                                     words[2],
                                     words[3],
                                     parsed["connections"].as<unsigned>(),
                                     parsed["requests"].as<std::uint32_t>(),
                                     parsed["number"].as<std::uint32_t>()};
  if (settings.connections < 1 || settings.connections > 1024)
    return wrong_usage("--connections is 1 to 1024");
  if (settings.requests < 1 || settings.requests > 1000000) return wrong_usage("--requests is 1 to 1000000");
  if (settings.number < 1 || settings.number > 65536) return wrong_usage("--number is 1 to 65536");
  if (const auto done = dske::bench::run_keys_benchmark(settings); !done) {
    std::cerr << "dske-bench: " << done.error().message << "\n";
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return wrong_usage(error.what());
  }
}
