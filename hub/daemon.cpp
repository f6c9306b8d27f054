#include "hub/daemon.h"

#include <algorithm>
#include <future>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/random.h"
#include "hub/authenticator.h"
#include "hub/management.h"
#include "hub/registration.h"
#include "hub/relay.h"
#include "node/daemon_loop.h"
#include "node/documentation.h"
#include "node/health.h"
#include "node/management_token.h"
#include "node/node_key.h"
#include "openapi/documents.h"
#include "store/schema.h"

namespace dske::hub {
namespace {

constexpr std::chrono::milliseconds kTick{1000};
constexpr int kExpireEveryTicks = 10;
constexpr std::chrono::milliseconds kStopGrace{3000};
constexpr std::size_t kHeadBytesMost = std::size_t{68} * 1024;  // of a key share, before the share

void append(std::vector<http::Route>& routes, std::vector<http::Route> more) {
  for (http::Route& route : more) routes.push_back(std::move(route));
}

std::vector<node::ApiDocument> documents() {
  return {{"DSKE hub", "hub.json", openapi::hub_json()}};
}

std::vector<http::Route> relay_routes(const HubConfig& config, const Authenticator& authenticator,
                                      Registration& registration, Relay& relay) {
  const std::string base = "/hub/" + config.name.text() + "/dske/api/v1";
  std::vector<http::Route> routes;
  routes.push_back(
      {"PUT", base + "/registration", authenticator.verified_without_epoch([&](VerifiedRequest request) {
         registration.handle(std::move(request));
       })});
  routes.push_back({"DELETE", base + "/registration", authenticator.verified([&](VerifiedRequest request) {
                      registration.leave(std::move(request));
                    })});
  const auto add = [&](std::string method, const std::string& path, void (Relay::*handler)(VerifiedRequest)) {
    routes.push_back(
        {std::move(method), base + path, authenticator.verified([&relay, handler](VerifiedRequest request) {
           (relay.*handler)(std::move(request));
         })});
  };
  add("GET", "/sae/:sae", &Relay::look_up_sae);
  add("POST", "/key-share", &Relay::post_share);
  add("GET", "/key-share", &Relay::get_share);
  add("DELETE", "/key-share", &Relay::withdraw_share);
  add("POST", "/key-share/confirmation", &Relay::confirm);
  routes.push_back(
      {"GET", base + "/key-shares/pending",
       authenticator.verified_poll([&](Authenticator::Poll poll) { relay.list_pending(std::move(poll)); })});
  return routes;
}

// Gives back what was leased and not used, so that a stop loses no PSRD, before the store is closed: its
// callbacks use the pools.
class PoolCloser {
 public:
  explicit PoolCloser(const ClientRegistry& clients) : clients_(clients) {}
  PoolCloser(const PoolCloser&) = delete;
  PoolCloser& operator=(const PoolCloser&) = delete;
  ~PoolCloser() {
    const std::vector<std::shared_ptr<Client>> all = clients_.all();
    for (std::size_t begin = 0; begin < all.size(); begin += kClosedAtOnce)
      close({all.begin() + static_cast<std::ptrdiff_t>(begin),
             all.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kClosedAtOnce, all.size()))});
  }

 private:
  // So many share commits; the store's queue holds more.
  static constexpr std::size_t kClosedAtOnce = 256;

  static void close(std::span<const std::shared_ptr<Client>> clients) {
    std::vector<std::promise<void>> closed;
    closed.reserve(clients.size());
    for (const auto& client : clients) {
      client->pool().close([&client = *client, &end = closed.emplace_back()](const Result<void>& result) {
        if (!result) log::error("client {}: {}", client.name().text(), result.error().message);
        end.set_value();
      });
    }
    for (std::promise<void>& end : closed) end.get_future().wait();
  }

  const ClientRegistry& clients_;
};

// Tells the log when the further source of randomness begins to fail and when it passes again, once each.
class RandomnessLog {
 public:
  void look_at(const PsrdRandomness& randomness) {
    const PsrdRandomness::Status status = randomness.status();
    if (status.error == told_) return;
    if (status.error.empty()) {
      log::info("the source of randomness {} has passed its start-up test again", status.source);
    } else {
      log::error("{}", status.error);
    }
    told_ = status.error;
  }

 private:
  std::string told_;
};

}  // namespace

Result<void> init_hub(const HubConfig& config) {
  if (auto made = make_private_directories(config.node.state_dir); !made) return made;
  const auto lock = DirectoryLock::take(config.node.state_dir);
  if (!lock) return lock.error();
  // A store's key is never made anew: nothing but the old one opens it.
  if (auto none = store::check_no_database(config.node.state_dir); !none) return none;
  if (auto key = node::make_node_key(config.node.node_key); !key) return key;
  if (auto token = node::make_management_token(config.node.state_dir); !token) return token;
  const auto node_key = node::read_node_key(config.node.node_key);
  if (!node_key) return node_key.error();
  SystemRandomness randomness;
  return store::HubStore::create(config.node.state_dir, *node_key, HubId::random(randomness));
}

Result<void> serve_hub(const HubConfig& config) {
  node::apply_log_level(config.node);
  node::block_stop_signals();
  harden_process();
  const auto lock = DirectoryLock::take(config.node.state_dir);
  if (!lock) return lock.error();
  // Left by a crash; they may hold PSRD.
  if (auto wiped = wipe_unfinished_files(config.node.state_dir); !wiped) return wiped.error();
  auto token = node::read_management_token(config.node.state_dir);
  if (!token) return token.error();
  const auto node_key = node::read_node_key(config.node.node_key);
  if (!node_key) return node_key.error();
  auto store = store::HubStore::open(config.node.state_dir, *node_key);
  if (!store) return store.error();
  auto contents = (*store)->load();
  if (!contents) return contents.error();
  pass(FaultPoint::store_opened);
  for (const BlockId& block : contents->dropped_after_set_back) {
    log::error(
        "the store was set back to an earlier state: PSRD block {} may have been used since and was dropped",
        block.text());
  }

  const SystemClock clock;
  SystemRandomness randomness;
  const HubId hub_id = contents->hub_id;
  ClientRegistry clients(**store);
  clients.load(std::move(*contents));
  FailureLimiter failures(clock);
  const Authenticator authenticator(hub_id, Epoch::random(randomness), clients, failures);
  Registration registration(hub_id, config, authenticator.epoch(), clients, **store);
  // Each of them takes a connection; others must find room.
  WaitingPolls polls(**store, clock, std::max<std::size_t>(config.node.server.connections / 2, 1));
  Relay relay(hub_id, config.limits, clients, **store, polls, clock);
  PsrdRandomness psrd_randomness(randomness, config.randomness, config.node.state_dir);
  Operations operations(hub_id, config, clients, **store, randomness, psrd_randomness);
  // Declared in the order in which they depend on each other: the store finishes last, after the pools are
  // closed.
  const std::unique_ptr<store::HubStore> closed_after_pools = std::move(*store);
  const PoolCloser pool_closer(clients);
  const ReadyFiles files(config.node.state_dir);
  if (auto removed = files.remove_unfinished(); !removed) return removed;
  ClientAdministration administration(clients, *closed_after_pools, files);
  Provisioner provisioner(config, clients, operations, files);
  node::WorkerThread worker;
  node::WorkerThread administration_worker;

  http::ServerConfig server_config;
  server_config.name = "DSKE";
  server_config.address = config.node.address;
  server_config.port = config.node.port;
  server_config.workers = config.node.workers;
  server_config.limits = config.node.server;
  server_config.limits.body_bytes = config.limits.share_bytes + kHeadBytesMost;
  std::vector<http::Route> routes = relay_routes(config, authenticator, registration, relay);
  const node::Readiness ready = [] { return std::string(); };
  append(routes, node::health_routes(ready));
  append(routes, node::documentation_routes(documents()));
  auto server = http::Server::start(server_config, std::move(routes));
  if (!server) return server.error();

  node::PsrdRateEstimator rates;
  const ManagedHub managed{hub_id,
                           config,
                           clients,
                           failures,
                           operations,
                           administration,
                           files,
                           provisioner,
                           psrd_randomness,
                           worker,
                           administration_worker,
                           clock,
                           clock.now(),
                           rates};
  http::ServerConfig management_config;
  management_config.name = "management";
  management_config.address = config.node.management_address;
  management_config.port = config.node.management_port;
  std::vector<http::Route> managing =
      management_routes(managed, std::make_shared<const SecretBytes>(std::move(*token)));
  append(managing, node::health_routes(ready));
  append(managing, node::documentation_routes(documents()));
  auto management = http::Server::start(management_config, std::move(managing));
  if (!management) return management.error();
  // Its start-up test takes as long as the device needs; PSRD that is asked for meanwhile waits for it.
  worker.submit([&psrd_randomness] { (void)psrd_randomness.prepare(); });
  provisioner.start();
  log::info("hub {} serves on {}, management on {}", config.name.text(),
            node::host_and_port(config.node.address, config.node.port),
            node::host_and_port(config.node.management_address, config.node.management_port));

  RandomnessLog randomness_log;
  int ticks = 0;
  node::wait_for_stop(kTick, [&] {
    randomness_log.look_at(psrd_randomness);
    for (const auto& client : clients.all()) {
      client->pool().settle_floors();
      node::observe_pool(rates, client->name().text(), client->pool(), clock.now());
    }
    polls.settle();
    if (++ticks % kExpireEveryTicks == 0) relay.expire();
  });

  log::info("hub {} stops", config.name.text());
  provisioner.stop();
  psrd_randomness.give_up();
  polls.stop();
  (*server)->stop(kStopGrace);
  (*management)->stop(kStopGrace);
  return {};
}

}  // namespace dske::hub
