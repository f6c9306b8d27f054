#include <algorithm>
#include <cerrno>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "wireguard/device_state.h"
#include "wireguard/kernel_answers.h"
#include "wireguard/kernel_requests.h"
#include "wireguard/netlink.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kAnswerBytesMost = std::size_t{16} << 20;
constexpr int kSendBytesMost = 4 << 20;  // what the most allowed IPs of a peer need
constexpr int kLooksMost = 5;
constexpr timeval kTimeout{2, 0};

// The kernel's generic netlink.
class Kernel {
 public:
  [[nodiscard]] static Result<Kernel> open() {
    Kernel kernel;
    kernel.socket_ = FileDescriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC));
    if (!kernel.socket_.is_open()) return io_error("cannot make a netlink socket", errno);
    const int socket = kernel.socket_.get();
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof kTimeout);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof kTimeout);
    // A limit, not memory. Without the right to it, requests of usual size fit all the same.
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBytesMost, sizeof kSendBytesMost);
    // So that a refusal does not repeat the request and the key in it.
    const int yes = 1;
    ::setsockopt(socket, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof yes);
    return kernel;
  }

  [[nodiscard]] Result<void> ask(const KernelRequest& request, KernelAnswer& answer) const {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    const ByteView all = request.datagram.view();
    if (::sendto(socket_.get(), all.data(), all.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                 sizeof address) < 0) {
      return io_error("cannot ask the kernel", errno);
    }
    SecretBytes datagram(kNetlinkBytesMost);
    std::size_t taken = 0;
    while (true) {
      socklen_t size = sizeof address;
      const ssize_t got = ::recvfrom(socket_.get(), datagram.data(), datagram.size(), MSG_TRUNC,
                                     reinterpret_cast<sockaddr*>(&address), &size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return io_error("the kernel does not answer", errno);
      if (size != sizeof address || address.nl_pid != 0) continue;  // from another process
      taken += static_cast<std::size_t>(got);
      if (static_cast<std::size_t>(got) > datagram.size() || taken > kAnswerBytesMost)
        return Error{ErrorKind::corrupt, "the kernel's answer is longer than the limit"};
      const auto whole = answer.take(datagram.view().first(static_cast<std::size_t>(got)));
      if (!whole) return whole.error();
      if (*whole) return {};
    }
  }

  [[nodiscard]] Result<std::uint16_t> wireguard_family() const {
    KernelFamilyAnswer answer;
    if (auto asked = ask(kernel_get_family(), answer); !asked) return asked.error();
    return answer.family();
  }

 private:
  Kernel() = default;

  FileDescriptor socket_;
};

class KernelDevice final : public DeviceDriver {
 public:
  explicit KernelDevice(std::string interface) : interface_(std::move(interface)) {}

  Result<DeviceState> get() override {
    Result<DeviceState> state = look();
    for (int i = 1; i < kLooksMost && !state && state.error().kind == ErrorKind::unavailable; ++i)
      state = look();
    return state;
  }

  Result<void> set_key(const PublicKey& peer, ByteView preshared_key) override {
    auto done = change([&](std::uint16_t family) -> Result<KernelRequest> {
      return kernel_set_key(family, interface_, peer, preshared_key);
    });
    if (!done) return done;
    return confirm(peer, [&](const PeerState& now) {
      return constant_time_equal(now.preshared_key.view(), preshared_key);
    });
  }

  Result<void> set_keepalive(const PublicKey& peer, std::uint16_t seconds) override {
    auto done = change([&](std::uint16_t family) -> Result<KernelRequest> {
      return kernel_set_keepalive(family, interface_, peer, seconds);
    });
    if (!done) return done;
    return confirm(peer, [&](const PeerState& now) { return now.keepalive_seconds == seconds; });
  }

  Result<void> replace(const PeerState& state) override {
    return change([&](std::uint16_t family) { return kernel_replace(family, interface_, state); });
  }

 private:
  [[nodiscard]] Result<DeviceState> look() const {
    const auto kernel = Kernel::open();
    if (!kernel) return kernel.error();
    const auto family = kernel->wireguard_family();
    if (!family) return family.error();
    KernelDeviceAnswer answer(*family, interface_);
    if (auto asked = kernel->ask(kernel_get_device(*family, interface_), answer); !asked)
      return asked.error();
    return answer.finish();
  }

  template <class Encode>
  [[nodiscard]] Result<void> change(Encode encode) const {
    const auto kernel = Kernel::open();
    if (!kernel) return kernel.error();
    const auto family = kernel->wireguard_family();
    if (!family) return family.error();
    const Result<KernelRequest> request = encode(*family);
    if (!request) return request.error();
    KernelDoneAnswer answer(*family, interface_, request->messages);
    return kernel->ask(*request, answer);
  }

  // The kernel says nothing when it passes over an update of a peer that it does not have.
  template <class Holds>
  [[nodiscard]] Result<void> confirm(const PublicKey& peer, Holds holds) {
    const auto device = get();
    if (!device) return device.error();
    const auto found = std::find_if(device->peers.begin(), device->peers.end(),
                                    [&](const PeerState& one) { return one.public_key == peer; });
    if (found == device->peers.end())
      return Error{ErrorKind::not_found, interface_ + " has no peer " + peer.text()};
    if (!holds(*found))
      return Error{ErrorKind::conflict, interface_ + ": somebody else changed the peer at the same moment"};
    return {};
  }

  const std::string interface_;
};

}  // namespace

std::unique_ptr<DeviceDriver> kernel_device(const std::string& interface) {
  return std::make_unique<KernelDevice>(interface);
}

}  // namespace dske::wireguard
