#include "wireguard/adapter.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "node/version.h"
#include "wireguard/adapter_tls.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kTick{1};

void write_seconds(json::Writer& writer, std::string_view name, const std::optional<Duration>& time) {
  writer.name(name);
  if (time) {
    writer.integer(std::chrono::duration_cast<std::chrono::seconds>(*time).count());
  } else {
    writer.null();
  }
}

void write_report(json::Writer& writer, const std::string& interface, const PeerSlot& slot) {
  const PeerReport report = slot.report();
  writer.begin_object().name("interface").string(interface);
  writer.name("public_key").string(slot.config().public_key.text());
  writer.name("sae_id").string(slot.config().sae.text());
  writer.name("role");
  if (report.role) {
    writer.string(*report.role == Role::generator ? "generator" : "recoverer");
  } else {
    writer.null();
  }
  writer.name("state").string(report.state).name("key_id");
  if (report.active) {
    writer.string(report.active->text());
  } else {
    writer.null();
  }
  writer.name("sources").begin_array();
  for (const Source source : report.sources) writer.string(name_of(source));
  writer.end_array();
  write_seconds(writer, "key_age_seconds", report.key_age);
  writer.name("key_used").boolean(report.key_proven);
  writer.name("session").string(report.session);
  write_seconds(writer, "handshake_age_seconds", report.handshake_age);
  write_seconds(writer, "next_rotation_seconds", report.next_rotation);
  writer.name("adapter_reachable").boolean(report.adapter_reachable);
  writer.name("last_error").string(report.last_error).end_object();
}

}  // namespace

Adapter::Adapter(const Config& config, http::ClientLoop& loop, HelperClient& helper)
    : config_(config),
      loop_(loop),
      helper_(helper),
      keys_(config, loop, randomness_),
      links_(config.tls, config.timings.compare, loop, randomness_) {
  keys_.on_available = [this] {
    for (auto& [name, interface] : interfaces_) {
      for (auto& [key, slot] : interface.peers) slot->wake();
    }
  };
  follow(config);
}

void Adapter::follow(const Config& config) {
  std::erase_if(interfaces_, [&](const auto& entry) {
    const bool stays = std::any_of(config.interfaces.begin(), config.interfaces.end(),
                                   [&](const InterfaceConfig& one) { return one.name == entry.first; });
    if (!stays) log::info("{}: is no longer looked after; its keys stay as they are", entry.first);
    return !stays;
  });
  for (const InterfaceConfig& fresh : config.interfaces) {
    Interface& interface = interfaces_[fresh.name];
    interface.config = fresh;
    std::erase_if(interface.peers, [&](const auto& entry) {
      const auto same = std::find(fresh.peers.begin(), fresh.peers.end(), entry.second->config());
      return same == fresh.peers.end();
    });
    for (const PeerConfig& peer : fresh.peers) {
      if (interface.peers.contains(peer.public_key)) continue;
      const SlotParts parts{config_, loop_, helper_, clock_, randomness_, keys_, links_};
      interface.peers.emplace(peer.public_key, std::make_unique<PeerSlot>(parts, fresh.name, peer));
      interface.look_at = {};
    }
  }
  links_.forget_mailboxes_unless([this](const SaeId& sae) { return check_known(sae).has_value(); });
}

void Adapter::tick() {
  const MonotonicTime now = clock_.now();
  for (auto& [name, interface] : interfaces_) {
    for (auto& [key, slot] : interface.peers) slot->step();
    if (!interface.asked && now >= interface.look_at && !interface.peers.empty()) observe(name);
  }
  loop_.after(spread(kTick, randomness_) / 2, guard_([this] { tick(); }));
}

void Adapter::observe(const std::string& name) {
  interfaces_.at(name).asked = true;
  helper_.observe(name, guard_([this, name](const Result<DeviceObservation>& device) {
                    const auto found = interfaces_.find(name);
                    if (found == interfaces_.end()) return;
                    Interface& interface = found->second;
                    interface.asked = false;
                    bool hurries = false;
                    for (auto& [key, slot] : interface.peers) {
                      slot->see(device);
                      hurries = hurries || slot->hurries();
                    }
                    const Duration wait = hurries ? std::min<Duration>(kTick, config_.timings.observe)
                                                  : config_.timings.observe;
                    interface.look_at = clock_.now() + std::chrono::duration_cast<BootClock::duration>(wait);
                  }));
}

// The tunnel with this SAE which the other end calls `link`, unless it is not there at present. Nobody learns
// of tunnels that are not theirs.
PeerSlot* Adapter::slot_for(const SaeId& from, const Link& link) const {
  for (const auto& [name, interface] : interfaces_) {
    const auto found = interface.peers.find(link.from);
    if (found == interface.peers.end() || found->second->own_key() != link.to) continue;
    const bool is_theirs = found->second->config().sae == from && found->second->peer() != nullptr;
    return is_theirs ? found->second.get() : nullptr;
  }
  return nullptr;
}

Result<void> Adapter::check_known(const SaeId& sae) const {
  for (const auto& [name, interface] : interfaces_) {
    for (const auto& [key, slot] : interface.peers) {
      if (slot->config().sae == sae) return {};
    }
  }
  return Error{ErrorKind::forbidden, "the SAE " + sae.text() + " has no tunnel with this end"};
}

Result<BatchAnswer> Adapter::take(const SaeId& from, const Batch& batch, const SecretBytes* exported) {
  if (auto known = check_known(from); !known) return known.error();
  const auto secret = exported != nullptr ? tls_secret_of(*exported) : nullptr;
  BatchAnswer answer;
  for (const LinkedMessage& message : batch.messages) {
    PeerSlot* const slot = slot_for(from, message.link);
    if (slot == nullptr) {
      answer.unknown.push_back(message.link);
      continue;
    }
    LinkChannel& channel = *slot->channel();
    channel.note_tls(secret);
    if (!channel.reaches()) channel.use_mailbox(links_.mailbox_of(from, batch.sender));
    slot->peer()->take(message.message);
    if (!std::holds_alternative<StateMessage>(message.message)) continue;
    StateMessage own = slot->peer()->state();
    own.dials = channel.reaches();
    answer.states.push_back({message.link.reversed(), own});
  }
  return answer;
}

void Adapter::collect(const SaeId& from, const AdapterId& adapter, http::Reply reply) {
  if (auto known = check_known(from); !known)
    return reply.send(http::message_response(403, known.error().message));
  links_.mailbox_of(from, adapter)->collect(std::move(reply));
}

Result<SecretBytes> Adapter::info(const SaeId& from) const {
  if (auto known = check_known(from); !known) return known.error();
  json::Writer writer;
  writer.begin_object().name("version").string(node::kVersion).name("sae_id").string(config_.sae.text());
  writer.name("kme").string(keys_.kme_id()).name("hubs").begin_array();
  for (const std::string& hub : config_.hubs) writer.string(hub);
  writer.end_array().name("tunnels").begin_array();
  for (const auto& [name, interface] : interfaces_) {
    for (const auto& [key, slot] : interface.peers) {
      if (slot->config().sae != from || slot->peer() == nullptr) continue;
      StateMessage state = slot->peer()->state();
      state.dials = slot->channel()->reaches();
      write_message(writer, {{*slot->own_key(), key}, state});
    }
  }
  writer.end_array().end_object();
  return writer.take();
}

SecretBytes Adapter::report() const {
  json::Writer writer;
  writer.begin_object().name("version").string(node::kVersion).name("sae_id").string(config_.sae.text());
  writer.name("kme").string(keys_.kme_id()).name("peers").begin_array();
  for (const auto& [name, interface] : interfaces_) {
    for (const auto& [key, slot] : interface.peers) write_report(writer, name, *slot);
  }
  writer.end_array().end_object();
  return writer.take();
}

}  // namespace dske::wireguard
