#include "wireguard/peer_slot.h"

#include "base/log.h"

namespace dske::wireguard {
namespace {

// A damaged record costs what is lost of it: the gate shuts, and another key comes.
FileKeyRecord open_record(const Config& config, const std::string& interface, const PublicKey& peer) {
  const auto file = config.state_dir / (interface + "-" + peer.hex() + ".json");
  auto record = FileKeyRecord::open(file);
  if (record) return std::move(*record);
  log::error("{}; begins anew", record.error().message);
  return FileKeyRecord(file);
}

}  // namespace

PeerSlot::PeerSlot(SlotParts parts, std::string interface, PeerConfig config)
    : parts_(parts),
      interface_(std::move(interface)),
      config_(std::move(config)),
      label_(interface_ + " " + config_.sae.text()),
      record_(open_record(parts.config, interface_, config_.public_key)),
      file_(config_.trust.secret_file),
      device_(parts.helper, interface_, config_.public_key),
      tunnel_({label_, config_.keep_initial_key, parts.config.timings},
              {device_, record_, parts.clock, parts.randomness}) {}

void PeerSlot::begin(const PublicKey& own_key) {
  peer_.reset();
  own_key_ = own_key;
  auto adapter = config_.url.empty() ? nullptr : parts_.links.link_to(config_.sae, config_.url);
  channel_ = std::make_unique<LinkChannel>(Link{own_key, config_.public_key}, std::move(adapter));
  peer_ = std::make_unique<Peer>(
      ExchangeParts{label_, config_.sae, own_key, config_.public_key, config_.trust, parts_.config.timings,
                    parts_.loop, parts_.clock, parts_.randomness, parts_.keys, *channel_, file_, tunnel_});
  channel_->on_message = [this](const Message& message) { peer_->take(message); };
  channel_->on_comparison_due = [this] { peer_->compare_if_needed(); };
}

void PeerSlot::see(const Result<DeviceObservation>& device) {
  if (!device && device.error().kind != ErrorKind::not_found) {
    if (error_ != device.error().message) log::warning("{}: {}", label_, device.error().message);
    error_ = device.error().message;
    return;
  }
  const auto found = device ? device->peers.find(config_.public_key)
                            : std::map<PublicKey, PeerObservation>::const_iterator();
  const bool is_there = device && found != device->peers.end();
  device_seen_ = device.has_value();
  peer_seen_ = is_there;
  error_ = !device ? device.error().message : is_there ? "" : "there is no such peer on " + interface_;
  if (is_there && own_key_ != device->public_key) begin(device->public_key);
  const auto seen = is_there ? std::optional<PeerObservation>(found->second) : std::nullopt;
  if (peer_) {
    peer_->see(seen);
  } else {
    tunnel_.see(seen);
  }
}

void PeerSlot::wake() {
  if (peer_) peer_->wake();
}

void PeerSlot::step() {
  if (peer_) peer_->step();
}

PeerReport PeerSlot::report() const {
  PeerReport report;
  if (peer_) report = peer_->report();
  if (!peer_) report.state = "device missing";
  if (device_seen_ && report.state == "device missing")
    report.state = peer_seen_ ? "shutting" : "peer missing";
  if (report.last_error.empty() || !tunnel_.error().empty()) report.last_error = tunnel_.error();
  if (report.last_error.empty()) report.last_error = error_;
  return report;
}

}  // namespace dske::wireguard
