// One end of the adapters' channel: a loop, a server if it can be called, and its tunnels' channels.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "http/server.h"
#include "http/test_certificates.h"
#include "wireguard/adapter_links.h"
#include "wireguard/adapter_tls.h"
#include "wireguard/channel_routes.h"
#include "wireguard/link_channel.h"

namespace dske::wireguard::test {

/// Lives on the test's thread; what it does on its loop has ended when a call returns.
class ChannelEnd final : public ChannelReceiver {
 public:
  ChannelEnd(http::test::TestCertificates& authority, const std::string& sae,
             Duration between_comparisons = std::chrono::seconds(1));
  ~ChannelEnd() override;
  ChannelEnd(const ChannelEnd&) = delete;
  ChannelEnd& operator=(const ChannelEnd&) = delete;

  void listen(std::uint16_t port = 0, std::uint32_t requests_per_second = kRequestsPerSecond);
  void stop_listening() { server_.reset(); }
  [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// A tunnel with `sae`; without a URL its adapter calls.
  void add(const Link& link, const std::string& sae, const std::string& url);
  void remove(const Link& link);
  void set_state(const Link& link, const StateMessage& state);

  [[nodiscard]] Result<StateMessage> compare(const Link& link, const StateMessage& own);
  [[nodiscard]] std::vector<Result<StateMessage>> compare_all(const StateMessage& own);
  [[nodiscard]] Result<void> send(const Link& link, const Message& message);
  void send_and_forget(const Link& link, const Message& message);
  [[nodiscard]] bool reaches(const Link& link);
  [[nodiscard]] std::optional<TlsSecret> newest_secret(const Link& link);
  [[nodiscard]] std::optional<TlsSecret> secret(const Link& link, const TlsSecretId& id);

  /// Waits, up to ten seconds, for what is true on the loop.
  [[nodiscard]] bool eventually(const std::function<bool()>& condition);

  // Known to the loop alone: look at it within eventually().
  std::vector<Message> heard;
  int requests = 0;
  int comparisons_due = 0;

 private:
  struct Tunnel {
    std::string sae;
    StateMessage state;
    std::unique_ptr<LinkChannel> channel;
  };

  Result<BatchAnswer> take(const SaeId& from, const Batch& batch, const SecretBytes* exported) override;
  void collect(const SaeId& from, const AdapterId& adapter, http::Reply reply) override;
  [[nodiscard]] Result<SecretBytes> info(const SaeId& from) const override;

  template <class F>
  auto on_loop(F action) {
    std::promise<decltype(action())> done;
    loop_->post([&] {
      if constexpr (std::is_void_v<decltype(action())>) {
        action();
        done.set_value();
      } else {
        done.set_value(action());
      }
    });
    return done.get_future().get();
  }

  const TlsFiles tls_;
  SystemRandomness randomness_;
  std::unique_ptr<http::ClientLoop> loop_;
  std::unique_ptr<http::Server> server_;
  std::uint16_t port_ = 0;
  std::unique_ptr<AdapterLinks> links_;
  std::map<Link, Tunnel> tunnels_;
};

}  // namespace dske::wireguard::test
