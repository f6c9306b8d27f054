// A node of the network as the manager handles it: a hub or a KME with its addresses and its files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace dske::manager {

enum class NodeKind { hub, client };

/// "hub" or "client", as in messages, options and URLs.
[[nodiscard]] constexpr const char* kind_text(NodeKind kind) {
  return kind == NodeKind::hub ? "hub" : "client";
}
/// "hub" or "kme", as in the names of files and programs.
[[nodiscard]] constexpr const char* kind_file_text(NodeKind kind) {
  return kind == NodeKind::hub ? "hub" : "kme";
}

struct Node {
  NodeKind kind = NodeKind::hub;
  std::string name;
  std::string address;
  std::uint16_t port = 0;
  std::uint16_t management_port = 0;
  bool is_local = true;  ///< its address is this host's: the manager starts it
  std::string url;       ///< what others call: a hub's endpoint, a KME's ETSI GS QKD 014 interface
  std::string management_url;
  std::filesystem::path directory;    ///< its state directory
  std::filesystem::path config_file;  ///< hub.yaml or kme.yaml in it
  std::filesystem::path log_file;
  std::filesystem::path pid_file;

  /// "hub hank".
  [[nodiscard]] std::string title() const { return std::string(kind_text(kind)) + " " + name; }
  [[nodiscard]] std::filesystem::path psrd_in() const { return directory / "psrd-in"; }
  [[nodiscard]] std::filesystem::path token_file() const { return directory / "management.token"; }
};

}  // namespace dske::manager
