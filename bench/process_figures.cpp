#include "bench/process_figures.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

namespace dske::bench {
namespace {

// The number behind "NAME:" in a file of such lines; -1 if there is none.
std::int64_t number_in(const std::filesystem::path& file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + ":")) continue;
    try {
      return std::stoll(line.substr(name.size() + 1));
    } catch (const std::exception&) {
      return -1;
    }
  }
  return -1;
}

constexpr std::int64_t kKibibyte = 1024;

Error no_process(std::int64_t pid) {
  return {ErrorKind::not_found, "there is no process " + std::to_string(pid)};
}

}  // namespace

Result<std::int64_t> resident_bytes_of(std::int64_t pid) {
  const std::int64_t kibibytes = number_in("/proc/" + std::to_string(pid) + "/status", "VmRSS");
  if (kibibytes < 0) return no_process(pid);
  return kibibytes * kKibibyte;
}

Result<std::chrono::milliseconds> processor_time_of(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The fields after the program's name in parentheses: user time is the 12th, system time the 13th.
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (!(fields >> user >> system)) return no_process(pid);
  return std::chrono::milliseconds((user + system) * 1000 / ::sysconf(_SC_CLK_TCK));
}

Result<ProcessFigures> figures_of(std::int64_t pid) {
  const std::filesystem::path directory = "/proc/" + std::to_string(pid);
  ProcessFigures figures;
  figures.resident_bytes = number_in(directory / "status", "VmRSS") * kKibibyte;
  figures.threads = number_in(directory / "status", "Threads");
  if (figures.resident_bytes < 0 || figures.threads < 0) return no_process(pid);
  figures.proportional_bytes = number_in(directory / "smaps_rollup", "Pss") * kKibibyte;
  std::error_code fault;
  for (std::filesystem::directory_iterator entry(directory / "fd", fault), end; !fault && entry != end;
       entry.increment(fault)) {
    ++figures.descriptors;
  }
  if (fault || figures.proportional_bytes < 0) {
    return Error{ErrorKind::forbidden,
                 "only root may count the descriptors and the memory of process " + std::to_string(pid)};
  }
  return figures;
}

}  // namespace dske::bench
