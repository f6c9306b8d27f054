#include "wireguard/helper_client.h"

#include <cerrno>

#include <sys/socket.h>

namespace dske::wireguard {

using Operation = HelperRequest::Operation;

void HelperClient::ask(const HelperRequest& request, UniqueFunction<void(Result<ByteView>)> done) {
  if (ended_) return done(Error{ErrorKind::unavailable, "the helper has ended"});
  waiting_.push_back({encode(request), std::move(done)});
  if (waiting_.size() == 1) send_next();
}

// Never waits: the helper reads one request before it gets the next, so there is room.
void HelperClient::send_next() {
  if (waiting_.empty()) return;
  SecretBytes& packet = waiting_.front().packet;
  const ssize_t sent = ::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const int cause = errno;
  packet.clear();
  if (sent < 0) end(io_error("cannot ask the helper", cause));
}

void HelperClient::take_answer() {
  Bytes answer(kHelperAnswerBytesMost);
  const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || waiting_.empty()) return end({ErrorKind::unavailable, "the helper has ended"});
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  send_next();
  first.done(ByteView(answer).first(static_cast<std::size_t>(got)));
}

void HelperClient::end(const Error& error) {
  if (std::exchange(ended_, true)) return;
  for (Waiting& one : std::exchange(waiting_, {})) one.done(error);
  gone_();
}

void HelperClient::observe(const std::string& interface,
                           UniqueFunction<void(Result<DeviceObservation>)> done) {
  HelperRequest request;
  request.interface = interface;
  ask(request, [done = std::move(done)](const Result<ByteView>& answer) mutable {
    done(answer ? decode_observation(*answer) : Result<DeviceObservation>(answer.error()));
  });
}

void HelperClient::change(HelperRequest request, PeerDevice::Done done) {
  ask(request, [done = std::move(done)](const Result<ByteView>& answer) mutable {
    done(answer ? decode_done(*answer) : Result<void>(answer.error()));
  });
}

void HelperPeerDevice::set_key(SecretBytes preshared_key, Done done) {
  helper_.change({Operation::set_key, interface_, peer_, std::move(preshared_key), std::nullopt},
                 std::move(done));
}

void HelperPeerDevice::replace(SecretBytes preshared_key, std::optional<std::uint16_t> keepalive_seconds,
                               Done done) {
  helper_.change({Operation::replace, interface_, peer_, std::move(preshared_key), keepalive_seconds},
                 std::move(done));
}

void HelperPeerDevice::set_keepalive(std::uint16_t seconds, Done done) {
  helper_.change({Operation::set_keepalive, interface_, peer_, {}, seconds}, std::move(done));
}

}  // namespace dske::wireguard
