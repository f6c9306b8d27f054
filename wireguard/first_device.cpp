#include <type_traits>

#include "wireguard/device_state.h"

namespace dske::wireguard {
namespace {

class FirstDevice final : public DeviceDriver {
 public:
  FirstDevice(std::unique_ptr<DeviceDriver> first, std::unique_ptr<DeviceDriver> second)
      : first_(std::move(first)), second_(std::move(second)) {}

  Result<DeviceState> get() override {
    return ask([](DeviceDriver& driver) { return driver.get(); });
  }
  Result<void> set_key(const PublicKey& peer, ByteView preshared_key) override {
    return ask([&](DeviceDriver& driver) { return driver.set_key(peer, preshared_key); });
  }
  Result<void> set_keepalive(const PublicKey& peer, std::uint16_t seconds) override {
    return ask([&](DeviceDriver& driver) { return driver.set_keepalive(peer, seconds); });
  }
  Result<void> replace(const PeerState& state) override {
    return ask([&](DeviceDriver& driver) { return driver.replace(state); });
  }

 private:
  template <class Action>
  std::invoke_result_t<Action, DeviceDriver&> ask(Action action) {
    auto answer = action(*first_);
    if (answer || answer.error().kind != ErrorKind::not_found) return answer;
    auto other = action(*second_);
    if (other) return other;
    Error error = other.error();
    // One that may not even be asked has none for this process.
    if (error.kind == ErrorKind::forbidden) error.kind = ErrorKind::not_found;
    if (error.kind == ErrorKind::not_found) error.message = answer.error().message + "; " + error.message;
    return error;
  }

  const std::unique_ptr<DeviceDriver> first_;
  const std::unique_ptr<DeviceDriver> second_;
};

}  // namespace

std::unique_ptr<DeviceDriver> first_device(std::unique_ptr<DeviceDriver> first,
                                           std::unique_ptr<DeviceDriver> second) {
  return std::make_unique<FirstDevice>(std::move(first), std::move(second));
}

}  // namespace dske::wireguard
