#include "bench/process_figures.h"

#include <ctime>
#include <filesystem>
#include <fstream>
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

double seconds_of(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return 0;
  constexpr double kNanosecond = 1e-9;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * kNanosecond;
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

double cpu_seconds_of(std::int64_t pid) {
  clockid_t clock{};
  return ::clock_getcpuclockid(static_cast<pid_t>(pid), &clock) == 0 ? seconds_of(clock) : 0;
}

double thread_seconds() {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace dske::bench
