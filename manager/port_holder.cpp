#include "manager/port_holder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/core.h>

namespace dske::manager {
namespace {

// The sockets that listen on the port, as links of /proc/PID/fd name them.
std::set<std::string> listening_sockets(const char* table, std::uint16_t port) {
  std::set<std::string> sockets;
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // headings
  while (std::getline(file, line)) {
    // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
    std::istringstream fields(line);
    std::string slot;
    std::string local;
    std::string remote;
    std::string state;
    std::string skipped;
    std::string inode;
    fields >> slot >> local >> remote >> state >> skipped >> skipped >> skipped >> skipped >> skipped >>
        inode;
    const std::size_t colon = local.find(':');
    constexpr const char* kListen = "0A";
    if (!fields || state != kListen || colon == std::string::npos) continue;
    if (std::stoul(local.substr(colon + 1), nullptr, 16) == port) sockets.insert("socket:[" + inode + "]");
  }
  return sockets;
}

bool holds_one_of(const std::filesystem::path& process, const std::set<std::string>& sockets) {
  std::error_code fault;
  for (std::filesystem::directory_iterator fd(process / "fd", fault), end; !fault && fd != end;
       fd.increment(fault)) {
    std::error_code unreadable;
    if (sockets.count(std::filesystem::read_symlink(fd->path(), unreadable).string()) != 0) return true;
  }
  return false;
}

bool is_number(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string port_holder(std::uint16_t port) {
  std::set<std::string> sockets = listening_sockets("/proc/net/tcp", port);
  sockets.merge(listening_sockets("/proc/net/tcp6", port));
  std::error_code fault;
  for (std::filesystem::directory_iterator entry("/proc", fault), end; !fault && entry != end;
       entry.increment(fault)) {
    const std::string pid = entry->path().filename().string();
    if (!is_number(pid) || !holds_one_of(entry->path(), sockets)) continue;
    std::ifstream command(entry->path() / "comm");
    std::string name;
    std::getline(command, name);
    return fmt::format("process {} ({})", pid, name);
  }
  return "another process";
}

}  // namespace dske::manager
