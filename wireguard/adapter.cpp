#include "wireguard/adapter.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "node/version.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::seconds kLook{1};

void write_link(json::Writer& writer, const Link& link, const StateMessage& state) {
  const auto document = json::Document::parse(to_json(link, state));
  writer.value(document->root());
}

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
    : config_(config), loop_(loop), helper_(helper), keys_(config, loop, randomness_) {
  keys_.on_available = [this] {
    for (auto& [name, interface] : interfaces_) {
      for (auto& [key, slot] : interface.peers) slot->wake();
    }
  };
  follow(config);
  observe_all();
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
      const SlotParts parts{config_, loop_, helper_, clock_, randomness_, keys_};
      interface.peers.emplace(peer.public_key, std::make_unique<PeerSlot>(parts, fresh.name, peer));
      interface.look_at = {};
    }
  }
}

void Adapter::observe_all() {
  const MonotonicTime now = clock_.now();
  for (auto& [name, interface] : interfaces_) {
    if (!interface.asked && now >= interface.look_at && !interface.peers.empty()) observe(name);
  }
  loop_.after(spread(kLook, randomness_) / 2, guard_([this] { observe_all(); }));
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
                    const Duration wait = hurries ? std::min<Duration>(kLook, config_.timings.observe)
                                                  : config_.timings.observe;
                    interface.look_at = clock_.now() + std::chrono::duration_cast<BootClock::duration>(wait);
                  }));
}

// `link` as this end sees it: from here to there.
PeerSlot* Adapter::slot_of(const Link& link) const {
  for (const auto& [name, interface] : interfaces_) {
    const auto found = interface.peers.find(link.to);
    if (found != interface.peers.end() && found->second->own_key() == link.from) return found->second.get();
  }
  return nullptr;
}

Result<PeerSlot*> Adapter::slot_for(const SaeId& from, const Link& link) const {
  PeerSlot* const slot = slot_of({link.to, link.from});
  // One answer to both, so that nobody learns of tunnels that are not theirs.
  if (slot == nullptr || slot->config().sae != from || slot->peer() == nullptr) {
    return Error{ErrorKind::not_found,
                 "no tunnel of the SAE " + from.text() + " with these keys is known here at present"};
  }
  return slot;
}

Result<Adapter::Taken> Adapter::take(const SaeId& from, const LinkedMessage& message,
                                     const SecretBytes* exported) {
  const auto slot = slot_for(from, message.link);
  if (!slot) return slot.error();
  if (exported != nullptr) (*slot)->channel()->note_tls(*exported);
  (*slot)->peer()->take(message.message);
  Taken taken{(*slot)->peer()->state(), {message.link.to, message.link.from}};
  taken.own.dials = (*slot)->channel()->dials();
  return taken;
}

void Adapter::collect(const SaeId& from, const Link& link, const SecretBytes* exported, http::Reply reply) {
  const auto slot = slot_for(from, link);
  if (!slot) return reply.send(http::message_response(404, slot.error().message));
  if (exported != nullptr) (*slot)->channel()->note_tls(*exported);
  (*slot)->channel()->collect(std::move(reply));
}

Result<SecretBytes> Adapter::info(const SaeId& from) const {
  json::Writer writer;
  writer.begin_object().name("version").string(node::kVersion).name("sae_id").string(config_.sae.text());
  writer.name("kme").string(keys_.kme_id()).name("hubs").begin_array();
  for (const std::string& hub : config_.hubs) writer.string(hub);
  writer.end_array().name("tunnels").begin_array();
  bool known = false;
  for (const auto& [name, interface] : interfaces_) {
    for (const auto& [key, slot] : interface.peers) {
      if (slot->config().sae != from) continue;
      known = true;
      if (slot->peer() == nullptr) continue;
      StateMessage state = slot->peer()->state();
      state.dials = slot->channel()->dials();
      write_link(writer, {*slot->own_key(), key}, state);
    }
  }
  writer.end_array().end_object();
  if (!known) return Error{ErrorKind::forbidden, "the SAE " + from.text() + " has no tunnel with this end"};
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
