#include "channel_end.h"

#include <thread>

#include <doctest/doctest.h>

namespace dske::wireguard::test {
namespace {

TlsFiles issue(http::test::TestCertificates& authority, const std::string& sae) {
  const auto identity = authority.issue({{{"CN", sae}}, ""});
  return {identity.certificate_file, identity.key_file, authority.ca_file(), ""};
}

}  // namespace

ChannelEnd::ChannelEnd(http::test::TestCertificates& authority, const std::string& sae,
                       Duration between_comparisons)
    : tls_(issue(authority, sae)), loop_(http::ClientLoop::start()) {
  on_loop([&] { links_ = std::make_unique<AdapterLinks>(tls_, between_comparisons, *loop_, randomness_); });
}

ChannelEnd::~ChannelEnd() {
  server_.reset();
  on_loop([this] {
    tunnels_.clear();
    links_.reset();
  });
}

void ChannelEnd::listen(std::uint16_t port, std::uint32_t requests_per_second) {
  http::ServerConfig config;
  config.name = "adapter";
  config.port = port;
  config.tls = http::TlsServerConfig{tls_.certificate, tls_.key, {tls_.ca}, {}, kExporterLabel};
  config.limits.body_bytes = kBatchBytesMost;
  auto started = http::Server::start(config, channel_routes(*loop_, *this, requests_per_second));
  REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().message));
  server_ = std::move(*started);
  port_ = server_->port();
}

void ChannelEnd::add(const Link& link, const std::string& sae, const std::string& url) {
  on_loop([&] {
    auto adapter = url.empty() ? nullptr : links_->link_to(*SaeId::parse(sae), url);
    auto channel = std::make_unique<LinkChannel>(link, std::move(adapter));
    channel->on_message = [this](const Message& message) { heard.push_back(message); };
    channel->on_comparison_due = [this] { ++comparisons_due; };
    tunnels_[link] = {sae, {}, std::move(channel)};
  });
}

void ChannelEnd::remove(const Link& link) {
  on_loop([&] { tunnels_.erase(link); });
}

void ChannelEnd::set_state(const Link& link, const StateMessage& state) {
  on_loop([&] { tunnels_.at(link).state = state; });
}

Result<StateMessage> ChannelEnd::compare(const Link& link, const StateMessage& own) {
  std::promise<Result<StateMessage>> done;
  on_loop([&] {
    tunnels_.at(link).channel->compare(
        own, [&done](Result<StateMessage> other) { done.set_value(std::move(other)); });
  });
  return done.get_future().get();
}

std::vector<Result<StateMessage>> ChannelEnd::compare_all(const StateMessage& own) {
  std::promise<void> done;
  std::vector<Result<StateMessage>> others;
  on_loop([&] {
    for (auto& [link, tunnel] : tunnels_) {
      tunnel.channel->compare(own, [&](Result<StateMessage> other) {
        others.push_back(std::move(other));
        if (others.size() == tunnels_.size()) done.set_value();
      });
    }
  });
  done.get_future().wait();
  return others;
}

Result<void> ChannelEnd::send(const Link& link, const Message& message) {
  std::promise<Result<void>> done;
  on_loop([&] {
    tunnels_.at(link).channel->send(message, [&done](Result<void> sent) { done.set_value(std::move(sent)); });
  });
  return done.get_future().get();
}

void ChannelEnd::send_and_forget(const Link& link, const Message& message) {
  on_loop([&] { tunnels_.at(link).channel->send(message, [](const Result<void>& /*sent*/) {}); });
}

bool ChannelEnd::reaches(const Link& link) {
  return on_loop([&] { return tunnels_.at(link).channel->reaches(); });
}

std::optional<TlsSecret> ChannelEnd::newest_secret(const Link& link) {
  return on_loop([&] { return tunnels_.at(link).channel->tls_secret(); });
}

std::optional<TlsSecret> ChannelEnd::secret(const Link& link, const TlsSecretId& id) {
  return on_loop([&] { return tunnels_.at(link).channel->tls_secret(id); });
}

bool ChannelEnd::eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (on_loop(condition)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

Result<BatchAnswer> ChannelEnd::take(const SaeId& from, const Batch& batch, const SecretBytes* exported) {
  ++requests;
  BatchAnswer answer;
  for (const LinkedMessage& message : batch.messages) {
    const auto found = tunnels_.find(message.link.reversed());
    if (found == tunnels_.end() || found->second.sae != from.text()) {
      answer.unknown.push_back(message.link);
      continue;
    }
    LinkChannel& channel = *found->second.channel;
    if (exported != nullptr) channel.note_tls(tls_secret_of(*exported));
    if (!channel.reaches()) channel.use_mailbox(links_->mailbox_of(from, batch.sender));
    heard.push_back(message.message);
    StateMessage own = found->second.state;
    own.dials = channel.reaches();
    if (std::holds_alternative<StateMessage>(message.message)) answer.states.push_back({found->first, own});
  }
  return answer;
}

void ChannelEnd::collect(const SaeId& from, const AdapterId& adapter, http::Reply reply) {
  links_->mailbox_of(from, adapter)->collect(std::move(reply));
}

Result<SecretBytes> ChannelEnd::info(const SaeId& from) const {
  return Error{ErrorKind::forbidden, from.text()};
}

}  // namespace dske::wireguard::test
