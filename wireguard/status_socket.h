// How `dske-wireguard status` reaches the daemon: a socket in the state directory, for who may enter that.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"

namespace dske::wireguard {

/// Writes a report to whoever connects, then closes.
class StatusSocket {
 public:
  /// `report` is called on a thread of its own and may wait.
  [[nodiscard]] static Result<std::unique_ptr<StatusSocket>> listen(const std::filesystem::path& path,
                                                                    std::function<SecretBytes()> report);
  ~StatusSocket();
  StatusSocket(const StatusSocket&) = delete;
  StatusSocket& operator=(const StatusSocket&) = delete;

 private:
  StatusSocket(FileDescriptor socket, std::function<SecretBytes()> report);
  void serve();

  FileDescriptor socket_;
  std::function<SecretBytes()> report_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// What the daemon reports. ErrorKind::unavailable if none runs.
[[nodiscard]] Result<SecretBytes> read_status(const std::filesystem::path& path);

}  // namespace dske::wireguard
