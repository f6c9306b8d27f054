// A hub or KME of the benchmark's own, as a process.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <sys/types.h>

#include "base/result.h"
#include "bench/process_figures.h"
#include "manager/node.h"

namespace dske::bench {

/// Node `name` with its files in a directory of that name in `parent`, on free ports of 127.0.0.1.
[[nodiscard]] Result<manager::Node> make_node(manager::NodeKind kind, const std::string& name,
                                              const std::filesystem::path& parent);

/// The lines of a node's configuration that both kinds have.
[[nodiscard]] std::string node_lines(const manager::Node& node);

/// The program beside dske-bench that serves it. Ends with this object.
class ServedNode {
 public:
  /// `config`: its configuration, with node_lines(). Makes its state.
  [[nodiscard]] static Result<ServedNode> init(const manager::Node& node, const std::string& config);
  ~ServedNode();
  ServedNode(ServedNode&& other) noexcept;
  ServedNode& operator=(ServedNode&&) = delete;
  ServedNode(const ServedNode&) = delete;
  ServedNode& operator=(const ServedNode&) = delete;

  [[nodiscard]] const manager::Node& node() const { return node_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Replaces the configuration; takes effect with the next start().
  [[nodiscard]] Result<void> configure(const std::string& config) const;
  /// Starts the process and waits until it serves; the time that took.
  [[nodiscard]] Result<std::chrono::duration<double>> start();
  /// Waits until it says that it is ready.
  [[nodiscard]] Result<void> await_ready() const;
  /// Ends it as an operator does; the time that took.
  [[nodiscard]] Result<std::chrono::duration<double>> stop();

  /// The part of a core that it took while `duration` went by.
  [[nodiscard]] Result<double> load_over(std::chrono::milliseconds duration) const;

 private:
  explicit ServedNode(manager::Node node) : node_(std::move(node)) {}
  [[nodiscard]] std::string program() const;
  [[nodiscard]] Result<void> await(const std::string& path) const;

  manager::Node node_;
  pid_t pid_ = 0;  // 0: it does not run
};

}  // namespace dske::bench
