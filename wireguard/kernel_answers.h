// What the kernel's WireGuard answers (linux/wireguard.h). Answers may hold private and pre-shared keys.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "wireguard/device_state.h"

namespace dske::wireguard {

/// Follows the answers to one request through the datagrams in which they come, each 4-byte aligned and of at
/// most kNetlinkBytesMost.
class KernelAnswer {
 public:
  virtual ~KernelAnswer() = default;
  /// Whether the answer is complete. An error: it never will be, the rest need not be read.
  [[nodiscard]] Result<bool> take(ByteView datagram);

 protected:
  /// `type` of the messages that carry something; `whom` for error messages.
  KernelAnswer(std::uint16_t type, std::uint32_t messages, std::string whom)
      : type_(type), messages_(messages), whom_(std::move(whom)) {}
  /// The attributes of one message; false if malformed.
  [[nodiscard]] virtual bool take_message(std::uint8_t command, ByteView attributes) = 0;
  /// The kernel's refusal.
  [[nodiscard]] virtual Error refused(int error_number) const;
  [[nodiscard]] const std::string& whom() const { return whom_; }

 private:
  [[nodiscard]] Result<bool> end_of_message(std::uint32_t sequence, int error_number);

  const std::uint16_t type_;
  const std::uint32_t messages_;
  const std::string whom_;
  std::uint32_t answered_ = 0;
  bool interrupted_ = false;
};

class KernelFamilyAnswer final : public KernelAnswer {
 public:
  KernelFamilyAnswer();
  /// Once the answer is complete.
  [[nodiscard]] Result<std::uint16_t> family() const;

 private:
  [[nodiscard]] bool take_message(std::uint8_t command, ByteView attributes) override;
  [[nodiscard]] Error refused(int error_number) const override;

  std::uint16_t family_ = 0;
};

/// A device, which comes in as many messages as its peers and their allowed IPs need: what does not fit into
/// one, of a single peer too, goes on in the next.
class KernelDeviceAnswer final : public KernelAnswer {
 public:
  /// take() answers ErrorKind::unavailable if the device changed meanwhile: to be asked for again.
  KernelDeviceAnswer(std::uint16_t family, const std::string& interface)
      : KernelAnswer(family, 1, interface) {}
  /// Once the answer is complete.
  [[nodiscard]] DeviceState finish() { return std::move(device_); }

 private:
  [[nodiscard]] bool take_message(std::uint8_t command, ByteView attributes) override;
  [[nodiscard]] bool take_peers(ByteView attributes);
  [[nodiscard]] bool take_peer(ByteView attributes, bool may_continue);

  DeviceState device_;
};

/// That a change is done.
class KernelDoneAnswer final : public KernelAnswer {
 public:
  KernelDoneAnswer(std::uint16_t family, const std::string& interface, std::uint32_t messages)
      : KernelAnswer(family, messages, interface) {}

 private:
  [[nodiscard]] bool take_message(std::uint8_t command, ByteView attributes) override;
};

}  // namespace dske::wireguard
