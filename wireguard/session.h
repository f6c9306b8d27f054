// Judges a WireGuard session by what its device shows.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "wireguard/device.h"
#include "wireguard/timings.h"

namespace dske::wireguard {

enum class Session {
  live,  ///< established and not too old to carry data
  idle,  ///< none, and nobody wants to send: the next packet will make one
  down,  ///< none, although something wants to be sent
};

[[nodiscard]] std::string_view name_of(Session session);

/// Follows one peer of a device from look to look.
class SessionWatch {
 public:
  void see(const PeerObservation& peer, MonotonicTime now, WallTime wall);
  /// The peer was removed and added again: what was seen of its session is over, and `wanted` tells whether a
  /// new one is.
  void ended(bool wanted);

  [[nodiscard]] Session state() const;
  /// Since the last completed handshake; nothing before the first one. Clocks that are set while the session
  /// lives do not change it.
  [[nodiscard]] std::optional<Duration> age() const { return age_; }
  /// Whether the pre-shared key may be changed now without a risk for the session: none is there, or its age
  /// is right.
  [[nodiscard]] bool is_moment_for_change() const;
  /// When the last handshake was completed, to the second.
  [[nodiscard]] std::optional<MonotonicTime> established() const { return established_; }

 private:
  void note_handshake(std::optional<WallTime> handshake, MonotonicTime now, WallTime wall);

  std::optional<WallTime> last_handshake_;  // as the device tells it
  std::optional<MonotonicTime> established_;
  std::optional<WallTime> ended_handshake_;  // that of a session which was ended
  std::optional<Duration> age_;
  std::uint64_t sent_bytes_ = 0;
  // When more was seen to have been sent without a session: first and last of a sequence, and the last look.
  std::optional<MonotonicTime> grew_first_;
  MonotonicTime grew_last_;
  MonotonicTime seen_;
  bool wanted_ = false;
};

}  // namespace dske::wireguard
