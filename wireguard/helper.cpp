#include "wireguard/helper.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace dske::wireguard {
namespace {

using Operation = HelperRequest::Operation;

PeerObservation observation_of(const PeerState& state) {
  PeerObservation seen;
  seen.preshared_key = fingerprint_of(state.preshared_key.view());
  if (state.last_handshake_nanos) {
    seen.last_handshake = WallTime(std::chrono::duration_cast<WallTime::duration>(
        std::chrono::nanoseconds(*state.last_handshake_nanos)));
  }
  seen.sent_bytes = state.sent_bytes;
  seen.endpoint_known = !state.endpoint.empty();
  seen.keepalive_seconds = state.keepalive_seconds;
  return seen;
}

bool is_configured(const InterfaceConfig& config, const PublicKey& peer) {
  return std::any_of(config.peers.begin(), config.peers.end(),
                     [&](const PeerConfig& one) { return one.public_key == peer; });
}

}  // namespace

Result<void> check_config_owner(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return io_error("cannot look at " + file.string(), errno);
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return invalid(file.string() + ": its owner must be root or the user of the helper: chown root");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return invalid(file.string() + ": nobody but its owner may write it: chmod go-w");
  return {};
}

Helper::Helper(std::filesystem::path config_file, Drivers drivers)
    : config_file_(std::move(config_file)), drivers_(std::move(drivers)) {
  follow_config();
}

void Helper::follow_config() {
  const FileStamp stamp = stamp_of(config_file_);
  if (stamp == stamp_) return;
  stamp_ = stamp;
  if (auto owned = check_config_owner(config_file_); !owned)
    return log::error("helper: {}", owned.error().message);
  auto config = read_config(config_file_);
  if (!config) return log::error("helper: {}", config.error().message);
  interfaces_.clear();
  for (InterfaceConfig& interface : config->interfaces) {
    auto driver = drivers_(interface);
    const std::string name = interface.name;
    interfaces_.emplace(name, Interface{std::move(interface), std::move(driver)});
  }
}

Bytes Helper::answer(ByteView packet) {
  const auto request = decode_helper_request(packet);
  if (!request) return encode(Result<void>(request.error()));
  follow_config();
  const auto found = interfaces_.find(request->interface);
  if (found == interfaces_.end()) {
    return encode(Result<void>(
        Error{ErrorKind::forbidden, "the configuration has no interface " + request->interface}));
  }
  Interface& interface = found->second;
  if (request->operation == Operation::observe) return encode(observe(interface));
  if (!is_configured(interface.config, request->peer)) {
    return encode(
        Result<void>(Error{ErrorKind::forbidden, "the configuration has no peer " + request->peer.text() +
                                                     " on " + request->interface}));
  }
  return encode(change(interface, *request));
}

Result<DeviceObservation> Helper::observe(Interface& interface) {
  const auto state = interface.driver->get();
  if (!state) return state.error();
  DeviceObservation device;
  device.public_key = state->public_key;
  for (const PeerState& peer : state->peers) {
    if (is_configured(interface.config, peer.public_key))
      device.peers.emplace(peer.public_key, observation_of(peer));
  }
  return device;
}

Result<void> Helper::change(Interface& interface, const HelperRequest& request) {
  switch (request.operation) {
    case Operation::set_key:
      return interface.driver->set_key(request.peer, request.preshared_key.view());
    case Operation::set_keepalive:
      return interface.driver->set_keepalive(request.peer, *request.keepalive_seconds);
    default:
      return replace(interface, request);
  }
}

Result<void> Helper::replace(Interface& interface, const HelperRequest& request) {
  auto state = interface.driver->get();
  if (!state) return state.error();
  const auto found = std::find_if(state->peers.begin(), state->peers.end(),
                                  [&](const PeerState& peer) { return peer.public_key == request.peer; });
  if (found == state->peers.end()) {
    return Error{ErrorKind::not_found, interface.config.name + " has no peer " + request.peer.text()};
  }
  if (!request.preshared_key.empty()) found->preshared_key = request.preshared_key.clone();
  if (request.keepalive_seconds) found->keepalive_seconds = *request.keepalive_seconds;
  return interface.driver->replace(*found);
}

}  // namespace dske::wireguard
