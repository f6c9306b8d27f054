// Clients that hold a server's connections open and say nothing, or stop in the middle of a TLS handshake.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/result.h"

namespace dske::bench {

struct AttackSettings {
  std::string address;  ///< the server's, IPv4
  std::uint16_t port = 0;
  unsigned silent = 1000;  ///< connections without a word
  unsigned half = 200;     ///< connections with the first half of a ClientHello
  unsigned addresses =
      100;  ///< come from 127.0.0.2 and so many after it; 0: from the address the system chooses
};

/// One thread that keeps the connections open: what the server ends is opened again at once, or a tenth of a
/// second later if it was refused. Ends them all on destruction.
class Attackers {
 public:
  /// Fails if the process may not have as many descriptors.
  [[nodiscard]] static Result<std::unique_ptr<Attackers>> start(const AttackSettings& settings);
  ~Attackers();
  Attackers(const Attackers&) = delete;
  Attackers& operator=(const Attackers&) = delete;

  /// How many connections stand at this moment, as this side sees it.
  [[nodiscard]] std::size_t standing() const { return standing_; }
  /// How many connections the server has ended so far.
  [[nodiscard]] std::size_t ended_by_server() const { return ended_; }

 private:
  struct Connection;

  Attackers(AttackSettings settings, FileDescriptor poller);
  void run();
  void open(Connection& connection);
  void close(Connection& connection);

  const AttackSettings settings_;
  FileDescriptor poller_;
  std::atomic<std::size_t> standing_ = 0;
  std::atomic<std::size_t> ended_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// Lets this process have as many descriptors as the system allows; that number.
std::size_t raise_descriptor_limit();

}  // namespace dske::bench
