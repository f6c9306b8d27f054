#include "wireguard/daemon.h"

#include <cerrno>
#include <functional>
#include <future>
#include <memory>
#include <optional>

#include <fmt/ranges.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_stamp.h"
#include "base/log.h"
#include "base/process.h"
#include "http/client.h"
#include "http/server.h"
#include "node/daemon_loop.h"
#include "wireguard/adapter.h"
#include "wireguard/adapter_tls.h"
#include "wireguard/channel_routes.h"
#include "wireguard/helper.h"
#include "wireguard/privileges.h"
#include "wireguard/status_socket.h"

namespace dske::wireguard {
namespace {

constexpr std::chrono::milliseconds kTick{1000};
constexpr std::chrono::milliseconds kStopGrace{1000};
constexpr int kSettledTicks = 30;
constexpr std::chrono::seconds kReportMost{30};
// Of other adapters: each has one for what it says, and perhaps one to collect.
constexpr std::size_t kConnectionsMost = 1024;
constexpr std::size_t kConnectionsMostPerAddress = 256;
constexpr std::size_t kStackBytes = std::size_t{512} << 10;

void apply_log_level(const std::string& level) {
  log::set_level(level == "debug"     ? log::Level::debug
                 : level == "warning" ? log::Level::warning
                 : level == "error"   ? log::Level::error
                                      : log::Level::info);
}

// Locked memory counts in full: stacks of the default eight megabytes would be most of it.
void use_small_stacks() {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
  ::mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe): no other thread yet
}

// As root: for whom it will be.
Result<void> make_state_directory(const Config& config) {
  const bool is_new = !std::filesystem::exists(config.state_dir);
  if (auto made = make_private_directories(config.state_dir); !made) return made;
  if (!is_new || ::geteuid() != 0 || config.user.empty()) return {};
  const auto ids = ids_of(config.user);
  if (!ids) return ids.error();
  if (::chown(config.state_dir.c_str(), ids->user, ids->group) != 0)
    return io_error("cannot give " + config.state_dir.string() + " to " + config.user, errno);
  return {};
}

http::ServerConfig server_config(const Config& config) {
  http::ServerConfig server;
  server.name = "WireGuard adapters";
  server.address = config.address;
  server.port = config.port;
  http::TlsServerConfig tls;
  tls.certificate_file = config.tls.certificate;
  tls.key_file = config.tls.key;
  tls.client_ca_files = {config.tls.ca};
  if (!config.tls.crl.empty()) tls.client_crl_files = {config.tls.crl};
  tls.exporter_label = kExporterLabel;
  server.tls = std::move(tls);
  server.limits.body_bytes = kBatchBytesMost;
  server.limits.connections = kConnectionsMost;
  server.limits.connections_per_address = kConnectionsMostPerAddress;
  return server;
}

// Runs `action` on the loop and waits for its end.
void on_loop(http::ClientLoop& loop, const std::function<void()>& action) {
  std::promise<void> done;
  loop.post([&done, &action] {
    action();
    done.set_value();
  });
  done.get_future().wait();
}

// Empty if the loop does not come to it in time, since it has ended for example.
SecretBytes report_of(http::ClientLoop& loop, const std::unique_ptr<Adapter>& adapter) {
  const auto promise = std::make_shared<std::promise<SecretBytes>>();
  auto future = promise->get_future();
  loop.post([promise, &adapter] { promise->set_value(adapter->report()); });
  return future.wait_for(kReportMost) == std::future_status::ready ? future.get() : SecretBytes();
}

// Interfaces and peers may be added while it runs, by who may write it: for this process to see.
Result<void> check_readable(const Config& config) {
  if (::access(config.file.c_str(), R_OK) == 0) return {};
  return io_error(config.file.string() + ": must be readable for this process (" +
                      (config.user.empty() ? "whoever started it" : "user " + config.user) +
                      ") to follow its changes; it holds no secret: chmod 644",
                  errno);
}

class ConfigFollower {
 public:
  explicit ConfigFollower(const Config& config)
      : config_(config), watch_(config.file, FileWatch::First::known) {}

  [[nodiscard]] std::optional<Config> changed() {
    if (!watch_.has_changed()) return std::nullopt;
    auto fresh = read_config(config_.file);
    if (!fresh) {
      log::error("the configuration has changed and is not followed: {}", fresh.error().message);
      return std::nullopt;
    }
    log::info("follows the interfaces and peers of the changed configuration");
    if (const auto later = changed_for_next_start(config_, *fresh); !later.empty())
      log::warning("has changed for the next start alone: {}", fmt::join(later, ", "));
    return std::move(*fresh);
  }

 private:
  const Config& config_;  // as at the start
  FileWatch watch_;
};

Result<void> serve(const Config& config, FileDescriptor helper_socket) {
  const auto lock = DirectoryLock::take(config.state_dir);
  if (!lock) return lock.error();
  if (auto wiped = wipe_unfinished_files(config.state_dir); !wiped) return wiped.error();
  if (auto readable = check_readable(config); !readable) return readable;
  if (auto files = check_tls_files(config); !files) return files;

  bool helper_gone = false;
  HelperClient helper(std::move(helper_socket), [&helper_gone] {
    helper_gone = true;
    log::error("the helper has ended");
    node::request_stop();
  });
  auto loop = http::ClientLoop::start();
  std::unique_ptr<Adapter> adapter;  // made, used and ended on the loop
  on_loop(*loop, [&] {
    adapter = std::make_unique<Adapter>(config, *loop, helper);
    loop->watch_readable(helper.descriptor(), [&helper, &helper_gone] {
      if (!helper_gone) helper.take_answer();
    });
  });

  Result<std::unique_ptr<http::Server>> server = std::unique_ptr<http::Server>();
  if (config.port != 0) server = http::Server::start(server_config(config), channel_routes(*loop, *adapter));
  auto status = StatusSocket::listen(status_socket_path(config),
                                     [&loop, &adapter] { return report_of(*loop, adapter); });
  if (server && status) {
    log::info("dske-wireguard works for the SAE {}", config.sae.text());
    if (config.interfaces.empty()) log::warning("{} has no interfaces yet", config.file.string());
    loop->post([&adapter] { adapter->begin(); });
    ConfigFollower follower(config);
    node::wait_for_stop(kTick, [&, ticks = 0]() mutable {
      if (++ticks == kSettledTicks) release_startup_memory();
      if (auto fresh = follower.changed()) {
        loop->post([&adapter, fresh = std::move(*fresh)] { adapter->follow(fresh); });
      }
    });
    log::info("dske-wireguard stops; tunnels go on under their present keys");
  }
  if (status) status->reset();
  if (server && *server) (*server)->stop(kStopGrace);
  on_loop(*loop, [&adapter] { adapter.reset(); });
  if (server && *server) server->reset();
  loop.reset();
  if (!server) return server.error();
  if (!status) return status.error();
  if (helper_gone) return Error{ErrorKind::internal, "the helper has ended"};
  return {};
}

}  // namespace

std::filesystem::path status_socket_path(const Config& config) {
  return config.state_dir / "status.sock";
}

Result<void> run_adapter(const Config& config) {
  apply_log_level(config.log_level);
  node::block_stop_signals();
  if (auto owned = check_config_owner(config.file); !owned) return owned;
  if (auto user = check_user(config.user); !user) return user.error().within(config.file.string() + ": user");
  if (auto made = make_state_directory(config); !made) return made;
  auto helper = start_helper(config.file);
  if (!helper) return helper.error();
  if (auto dropped = drop_privileges(config.user); !dropped) return dropped;
  use_small_stacks();
  harden_process();
  return serve(config, std::move(*helper));
}

}  // namespace dske::wireguard
