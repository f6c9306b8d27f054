#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <cxxopts.hpp>

#include "base/log.h"
#include "bench/node_benchmark.h"
#include "bench/supervised_run.h"

namespace dske::bench {
namespace {

constexpr const char* kUsage =
    "usage: dske-bench node hub [--sizes 10,100,1000] [--requests 1000] [--directory DIRECTORY]\n"
    "       dske-bench node kme [--sizes 1,100,1000] [--requests 1000] [--directory DIRECTORY]\n"
    "\n"
    "hub  starts a hub with so many clients, which this process plays, and measures its memory, its "
    "start-up\n"
    "     and the latency of the calls of one bundle at each size\n"
    "kme  starts three hubs and two KMEs, one with so many SAEs, each with ten slaves at the other and keys\n"
    "     ready for all of them, and measures the same of both KMEs\n"
    "\n"
    "Everything is made in a new directory in DIRECTORY (that for temporary files), and removed again.\n";

constexpr std::uint32_t kSizeMost = 4000;
constexpr std::uint32_t kRequestsMost = 100000;

int wrong_usage(const std::string& message) {
  std::cerr << "dske-bench: " << message << "\n" << kUsage;
  return 2;
}

int run(int argc, char** argv) {
  cxxopts::Options options("dske-bench node");
  options.add_options()("which", "", cxxopts::value<std::string>()->default_value(""))(
      "sizes", "", cxxopts::value<std::vector<std::uint32_t>>())(
      "requests", "", cxxopts::value<std::uint32_t>()->default_value("1000"))(
      "directory", "",
      cxxopts::value<std::string>()->default_value(std::filesystem::temp_directory_path().string()))("h,help",
                                                                                                     "");
  options.parse_positional({"which"});
  const auto parsed = options.parse(argc, argv);
  if (parsed.count("help") > 0) {
    std::cout << kUsage;
    return EXIT_SUCCESS;
  }
  const auto which = parsed["which"].as<std::string>();
  if (which != "hub" && which != "kme") return wrong_usage("node takes hub or kme");
  NodeSettings settings;
  settings.sizes =
      which == "hub" ? std::vector<std::uint32_t>{10, 100, 1000} : std::vector<std::uint32_t>{1, 100, 1000};
  if (parsed.count("sizes") > 0) settings.sizes = parsed["sizes"].as<std::vector<std::uint32_t>>();
  std::uint32_t least = 1;
  for (const std::uint32_t size : settings.sizes) {
    if (size < least || size > kSizeMost)
      return wrong_usage("--sizes are 1 to " + std::to_string(kSizeMost) + ", each larger than the last");
    least = size + 1;
  }
  settings.requests = parsed["requests"].as<std::uint32_t>();
  if (settings.requests < 2 || settings.requests > kRequestsMost)
    return wrong_usage("--requests is 2 to " + std::to_string(kRequestsMost));
  return run_supervised(parsed["directory"].as<std::string>(), [&](const std::filesystem::path& directory) {
    log::set_level(log::Level::error);  // the clients do not reach their hub while it restarts
    const auto done = which == "hub" ? run_node_hub_benchmark(settings, directory)
                                     : run_node_kme_benchmark(settings, directory);
    if (done) return EXIT_SUCCESS;
    std::cerr << "dske-bench: " << done.error().message << "\n";
    return EXIT_FAILURE;
  });
}

}  // namespace

int run_node_command(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return wrong_usage(error.what());
  }
}

}  // namespace dske::bench
