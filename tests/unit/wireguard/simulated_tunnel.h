// Two ends of a WireGuard tunnel with their adapters, KMEs and the way between them, in simulated time.
//
// The tunnel behaves as was measured of real ones: a key matters in a handshake alone; a session is renewed
// at 120 s and dies at 180 s; without a session, two ends that both want to send go on missing each other,
// unless one of them alone is made to begin.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dske/fixed_randomness.h"
#include "dske/simulated_loop.h"
#include "wireguard/peer.h"

namespace dske::wireguard::test {

using namespace std::chrono_literals;
using dske::test::ReproducibleRandomness;
using dske::test::SimulatedClock;
using dske::test::SimulatedLoop;

/// The clock of one end: its wall clock may differ.
class EndClock final : public Clock {
 public:
  explicit EndClock(const SimulatedClock& clock) : clock_(clock) {}
  [[nodiscard]] MonotonicTime now() const override { return clock_.now(); }
  [[nodiscard]] WallTime wall() const override { return clock_.wall() + offset; }
  std::chrono::seconds offset{0};

 private:
  const SimulatedClock& clock_;
};

class SimulatedRecord final : public KeyRecord {
 public:
  [[nodiscard]] const KeyRecordContents& contents() const override { return contents_; }
  [[nodiscard]] Result<void> replace(KeyRecordContents contents) override {
    if (fails) return Error{ErrorKind::io, "no space left"};
    contents_ = std::move(contents);
    return {};
  }
  bool fails = false;

 private:
  KeyRecordContents contents_;
};

class SimulatedFile final : public SecretFile {
 public:
  [[nodiscard]] Result<SecretBytes> current() override {
    if (now.empty()) return Error{ErrorKind::not_found, "no secret file"};
    return SecretBytes::copy_of(now);
  }
  [[nodiscard]] SecretBytes tagged(const FileTag& tag, const KeyId& key) override {
    for (const std::string& text : {now, before}) {
      if (!text.empty() && file_tag(SecretBytes::copy_of(text), key) == tag)
        return SecretBytes::copy_of(text);
    }
    return {};
  }
  void change(const std::string& text) { before = std::exchange(now, text); }
  std::string now, before;
};

class World;

/// One end: its device, which outlives its adapter, and the adapter.
class End {
 public:
  End(World& world, std::size_t index);

  void start();  ///< the adapter
  void crash();  ///< the adapter: what it was doing is lost
  [[nodiscard]] bool running() const { return peer != nullptr; }
  [[nodiscard]] bool device_has(const Bytes& key) const { return psk == key; }
  void make_device_anew();

  World& world;
  const std::size_t index;
  EndClock clock;

  // The device.
  bool exists = true;
  Bytes psk = Bytes(32);
  std::optional<WallTime> last_handshake;  ///< by this end's clock as it was then
  std::uint64_t sent_bytes = 0;
  bool endpoint_known = true;
  std::uint16_t keepalive = 25;
  int replaced = 0;
  bool begins_alone = false;  ///< it was made to begin a handshake

  // Around the adapter.
  bool dials = true;
  bool kme_up = true;
  bool kme_lies = false;  ///< delivers another key
  bool loses_confirmations = false;
  bool cannot_call = false;        ///< although it dials
  std::optional<Refusal> refuses;  ///< every offer, whatever is in it
  SplitTrust trust;
  Timings timings;
  bool keep_initial_key = false;
  SimulatedRecord record;
  SimulatedFile file;
  std::vector<TlsSecretId> tls_known;
  std::vector<Message> to_collect;  ///< for an end that dials alone

  struct Adapter;
  std::unique_ptr<Adapter> adapter;
  Peer* peer = nullptr;
  TunnelKey* tunnel = nullptr;
};

class World {
 public:
  explicit World(std::uint32_t seed = 1);  ///< faults, which are meant, are not logged
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] End& generator() { return ends[0]; }
  [[nodiscard]] End& recoverer() { return ends[1]; }
  void start() {
    for (End& end : ends) end.start();
  }
  /// Whether both hold the same agreed key and a session is there.
  [[nodiscard]] bool up() const;
  [[nodiscard]] bool up_within(std::chrono::nanoseconds span) {
    return loop.run_until([this] { return up(); }, span);
  }
  [[nodiscard]] std::optional<Duration> session_age() const;
  void end_session() { session_.reset(); }
  void establish();

  SimulatedClock clock;
  SimulatedLoop loop;
  ReproducibleRandomness randomness;
  std::array<End, 2> ends;
  std::map<KeyId, Bytes> kme_keys;
  int keys_taken = 0;
  bool traffic = true;
  bool channel_up = true;
  Duration delay = 5ms;
  // What was seen.
  int lost = 0;  ///< tenths of a second in which traffic could not pass
  int handshakes = 0;
  Duration oldest_session{0};

 private:
  friend class End;
  void tick();
  void try_handshake();
  [[nodiscard]] bool keys_match() const;

  std::optional<MonotonicTime> session_;
  MonotonicTime next_try_;
};

/// Starts both ends: up, and past what the start may have lost.
void bring_up(World& world);

}  // namespace dske::wireguard::test
