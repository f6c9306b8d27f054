#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "wireguard/device_state.h"
#include "wireguard/uapi.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kAnswerBytesMost = std::size_t{16} << 20;
constexpr timeval kTimeout{2, 0};

class UserspaceDevice final : public DeviceDriver {
 public:
  explicit UserspaceDevice(std::string path) : path_(std::move(path)) {}

  Result<DeviceState> get() override {
    const auto answer = ask(as_bytes(uapi_get()));
    if (!answer) return answer.error();
    return parse_uapi_device(answer->text());
  }
  Result<void> set_key(const PublicKey& peer, ByteView preshared_key) override {
    return set(uapi_set_key(peer, preshared_key));
  }
  Result<void> set_keepalive(const PublicKey& peer, std::uint16_t seconds) override {
    return set(uapi_set_keepalive(peer, seconds));
  }
  Result<void> replace(const PeerState& state) override { return set(uapi_replace(state)); }

 private:
  Result<FileDescriptor> connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return invalid(path_ + " is too long for a socket");
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return io_error("cannot make a socket", errno);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof kTimeout);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof kTimeout);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      // Refused: the implementation has ended and left its socket behind.
      const bool gone = errno == ENOENT || errno == ECONNREFUSED;
      Error error = io_error("cannot reach the WireGuard device at " + path_, errno);
      if (gone) error.kind = ErrorKind::not_found;
      return error;
    }
    return socket;
  }

  Result<SecretBytes> ask(ByteView request) const {
    const auto socket = connect();
    if (!socket) return socket.error();
    while (!request.empty()) {
      const ssize_t sent = ::send(socket->get(), request.data(), request.size(), MSG_NOSIGNAL);
      if (sent < 0) return io_error("cannot write to " + path_, errno);
      request = request.subspan(static_cast<std::size_t>(sent));
    }
    SecretBytes answer;
    SecretBytes piece(std::size_t{64} << 10);
    while (!answer.text().ends_with("\n\n")) {
      const ssize_t got = ::recv(socket->get(), piece.data(), piece.size(), 0);
      if (got < 0) return io_error("cannot read from " + path_, errno);
      if (got == 0) break;
      answer.append(piece.view().first(static_cast<std::size_t>(got)));
      if (answer.size() > kAnswerBytesMost)
        return Error{ErrorKind::corrupt, path_ + ": the answer is longer than the limit"};
    }
    return answer;
  }

  Result<void> set(const SecretBytes& request) const {
    const auto answer = ask(request.view());
    if (!answer) return answer.error();
    const auto code = parse_uapi_errno(answer->text());
    if (!code) return code.error();
    if (*code != 0) return io_error("the WireGuard device at " + path_ + " refuses", std::abs(*code));
    return {};
  }

  const std::string path_;
};

}  // namespace

std::unique_ptr<DeviceDriver> userspace_device(const std::string& socket_path) {
  return std::make_unique<UserspaceDevice>(socket_path);
}

}  // namespace dske::wireguard
