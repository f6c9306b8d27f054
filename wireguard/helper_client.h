// The adapter's side of the helper.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "base/event_loop.h"
#include "base/file.h"
#include "wireguard/device.h"
#include "wireguard/guard.h"
#include "wireguard/helper_protocol.h"

namespace dske::wireguard {

/// Sends one request at a time and gives the answers in their order. Only on the loop's thread.
class HelperClient {
 public:
  /// `gone` is called once, when the helper has ended.
  HelperClient(FileDescriptor socket, Task gone) : socket_(std::move(socket)), gone_(std::move(gone)) {}

  /// Readable when an answer is there: call take_answer() then.
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  void take_answer();

  void observe(const std::string& interface, UniqueFunction<void(Result<DeviceObservation>)> done);
  void change(HelperRequest request, PeerDevice::Done done);

 private:
  struct Waiting {
    SecretBytes packet;
    UniqueFunction<void(Result<ByteView>)> done;
  };
  void ask(const HelperRequest& request, UniqueFunction<void(Result<ByteView>)> done);
  void send_next();
  void end(const Error& error);

  FileDescriptor socket_;
  Task gone_;
  std::deque<Waiting> waiting_;  // the first one has been sent
  bool ended_ = false;
};

/// One peer's device behind the helper; lives no longer than the client.
class HelperPeerDevice final : public PeerDevice {
 public:
  HelperPeerDevice(HelperClient& helper, std::string interface, const PublicKey& peer)
      : helper_(helper), interface_(std::move(interface)), peer_(peer) {}

  void set_key(SecretBytes preshared_key, Done done) override;
  void replace(SecretBytes preshared_key, std::optional<std::uint16_t> keepalive_seconds, Done done) override;
  void set_keepalive(std::uint16_t seconds, Done done) override;

 private:
  HelperClient& helper_;
  const std::string interface_;
  const PublicKey peer_;
};

}  // namespace dske::wireguard
