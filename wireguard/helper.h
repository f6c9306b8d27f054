// The privileged helper: the only process that can touch WireGuard devices, and all that it does to them. It
// speaks to no network.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/file_stamp.h"
#include "base/result.h"
#include "wireguard/config.h"
#include "wireguard/device_state.h"
#include "wireguard/helper_protocol.h"

namespace dske::wireguard {

/// Carries requests out: for the interfaces and peers of the configuration alone, and only for peers that
/// exist. Not thread-safe.
class Helper {
 public:
  /// Makes the driver of an interface's device.
  using Drivers = std::function<std::unique_ptr<DeviceDriver>(const InterfaceConfig&)>;

  Helper(std::filesystem::path config_file, Drivers drivers);

  /// The answer to one packet.
  [[nodiscard]] Bytes answer(ByteView packet);

 private:
  struct Interface {
    InterfaceConfig config;
    std::unique_ptr<DeviceDriver> driver;
  };

  void follow_config();
  [[nodiscard]] Result<DeviceObservation> observe(Interface& interface);
  [[nodiscard]] Result<void> change(Interface& interface, const HelperRequest& request);
  [[nodiscard]] Result<void> replace(Interface& interface, const HelperRequest& request);

  const std::filesystem::path config_file_;
  const Drivers drivers_;
  std::map<std::string, Interface> interfaces_;
  std::optional<FileStamp> stamp_;
};

/// Nobody but root, or the user that this process is, may be able to write the file: what it names, the
/// helper changes.
[[nodiscard]] Result<void> check_config_owner(const std::filesystem::path& file);

/// Starts the helper as a child process, which keeps of this one's privileges what devices need
/// (privileges.h) and ends when the returned socket is closed. Before other threads start.
[[nodiscard]] Result<FileDescriptor> start_helper(const std::filesystem::path& config_file);

}  // namespace dske::wireguard
