// The text protocol by which userspace implementations of WireGuard are configured (wireguard-go and others;
// https://www.wireguard.com/xplatform/#configuration-protocol). Texts may hold private and pre-shared keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "wireguard/device_state.h"

namespace dske::wireguard {

/// The request for everything.
[[nodiscard]] std::string_view uapi_get();
/// An answer to it, up to and with its empty line. Public keys are computed here from the private key; an
/// answer without one is ErrorKind::not_found: implementations that do not show it (boringtun) differ in
/// more, in how a peer is replaced for example.
[[nodiscard]] Result<DeviceState> parse_uapi_device(std::string_view answer);
/// The errno that an answer to a `set` holds: 0 is success.
[[nodiscard]] Result<int> parse_uapi_errno(std::string_view answer);

[[nodiscard]] SecretBytes uapi_set_key(const PublicKey& peer, ByteView preshared_key);
[[nodiscard]] SecretBytes uapi_set_keepalive(const PublicKey& peer, std::uint16_t seconds);
/// Removes the peer and adds it again with what `state` holds.
[[nodiscard]] SecretBytes uapi_replace(const PeerState& state);

}  // namespace dske::wireguard
