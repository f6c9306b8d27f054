#include "kme/daemon.h"

#include <future>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/random.h"
#include "http/client.h"
#include "kme/config_watch.h"
#include "kme/confirmations.h"
#include "kme/directory_watch.h"
#include "kme/etsi_routes.h"
#include "kme/fetch_ahead.h"
#include "kme/http_hub_transport.h"
#include "kme/hub_links.h"
#include "kme/hub_roster.h"
#include "kme/key_delivery.h"
#include "kme/loop_store.h"
#include "kme/management.h"
#include "kme/pending_watch.h"
#include "kme/psrd_ingestion.h"
#include "node/daemon_loop.h"
#include "node/documentation.h"
#include "node/health.h"
#include "node/management_token.h"
#include "node/node_key.h"
#include "openapi/documents.h"
#include "store/schema.h"

namespace dske::kme {
namespace {

constexpr std::chrono::milliseconds kTick{1000};
constexpr int kExpireEveryTicks = 10;
constexpr std::chrono::milliseconds kStopGrace{3000};
constexpr std::chrono::seconds kCloseGrace{5};
// The longest lifetime that hubs are believed, unless this KME's own is longer.
constexpr std::chrono::seconds kLifetimeTrusted{604800};
constexpr std::size_t kRequestBytesMost = std::size_t{1} << 20;
// The keys of the largest bundle (BundleContext::kSecretBytesMost) in base64, each with its ID.
constexpr std::size_t kAnswerBytesMost = std::size_t{32} << 20;

std::filesystem::path psrd_in(const KmeConfig& config) {
  return config.node.state_dir / "psrd-in";
}

void append(std::vector<http::Route>& routes, std::vector<http::Route> more) {
  for (http::Route& route : more) routes.push_back(std::move(route));
}

std::vector<node::ApiDocument> etsi_documents() {
  return {{"ETSI GS QKD 014 key delivery", "etsi014.json", openapi::etsi014_json()}};
}

std::vector<node::ApiDocument> management_documents(const KmeConfig& config) {
  return {{"KME management", "kme-management.json", openapi::kme_management_json()},
          {"ETSI GS QKD 014 key delivery", "etsi014.json", openapi::etsi014_json(),
           "https://" + node::host_and_port(config.node.address, config.node.port)}};
}

// Runs `task` on the loop and waits until it calls back, or the time is over.
void run_on_loop(EventLoop& loop, std::chrono::seconds timeout, std::function<void(Task)> task) {
  const auto finished = std::make_shared<std::promise<void>>();
  auto waiting = finished->get_future();
  loop.post([task = std::move(task), finished] { task([finished] { finished->set_value(); }); });
  waiting.wait_for(timeout);
}

FetchAhead::Settings fetch_ahead_settings(const KmeConfig& config) {
  FetchAhead::Settings settings;
  settings.shares_required = config.shares_required;
  return settings;
}

std::set<HubId> registered_hubs(const HubLinks& links) {
  std::set<HubId> hubs;
  for (const auto& link : links.all()) {
    if (link->registered()) hubs.insert(link->address().id);
  }
  return hubs;
}

// Everything that lives on the event loop. The loop must have ended before this is destroyed.
struct Engine {
  Engine(const KmeConfig& config, const HubRoster& roster, store::KmeStore& durable,
         http::ClientLoop& event_loop)
      : loop(event_loop),
        transport(loop),
        store(durable, loop, clock),
        links(config, roster, store, loop, clock, transport),
        directory(links.all(), config.shares_required, loop, clock),
        initiator({config.name, config.shares_required, std::chrono::milliseconds(200), config.key_source},
                  links.all(), directory, store, loop, clock, randomness),
        responder({config.name, config.least_shares_required, std::chrono::milliseconds(5000),
                   std::max<std::chrono::seconds>(config.key_lifetime, kLifetimeTrusted)},
                  links.all(), loop, clock),
        held(config.name, config.encryptors, clock),
        confirmations(responder, held, loop, clock),
        fetches(responder, held, confirmations, store, clock),
        fetch_ahead(
            fetch_ahead_settings(config), [this] { return registered_hubs(links); }, held,
            [this](const BundleName& bundle, BundleFetches::Done done) {
              fetches.fetch(bundle, std::move(done));
            },
            loop, clock),
        pending(links.all(), loop, clock,
                [this, ahead = config.fetch_ahead](const std::shared_ptr<HubLink>& hub,
                                                   const std::vector<BundleName>& bundles) {
                  confirmations.repeat(hub, bundles);
                  if (ahead) fetch_ahead.listed(hub->address().id, bundles);
                }),
        records(store, loop),
        allowance(config, links.all(), clock),
        key_store({config,
                   [this](BundleRequest request, Initiator::Done done) {
                     initiator.establish(std::move(request), std::move(done));
                   },
                   [this](const BundleRequest& request) { return allowance.allows_ahead(request); }, store,
                   loop, clock}),
        delivery({config, roster, links.all(), directory, initiator, held, fetches, records, allowance,
                  key_store, loop, clock}) {}

  // Takes over what the store held and begins to work; on the loop.
  void begin(store::KmeStore::Contents contents) {
    for (store::HeldBundle& bundle : contents.held) {
      const MonotonicTime expires = bundle.expires.monotonic(clock);
      held.hold(bundle.context, std::move(bundle.keys), expires, bundle.delivered);
    }
    key_store.load(contents.ready);
    links.load(contents.hubs, std::move(contents.blocks));
    for (const store::PostedBundle& bundle : contents.unacknowledged) {
      log::info("withdrawing bundle {}, which was not acknowledged before the restart", bundle.id.text());
      initiator.withdraw(bundle.id, bundle.hubs);
    }
    pending.start();
  }

  // Records what was delivered, gives unused leases back; afterwards nothing of this uses the store.
  void close(Task done) {
    records.flush();
    key_store.close([this, done = std::move(done)]() mutable {
      links.close([this, done = std::move(done)]() mutable {
        store.stop();
        done();
      });
    });
  }

  void expire() {
    store.expire([this](const Result<std::vector<BundleName>>& gone) {
      if (!gone) return log::error("cannot remove keys whose lifetime is over: {}", gone.error().message);
      for (const BundleName& bundle : *gone) held.remove(bundle);
    });
  }

  SystemClock clock;
  SystemRandomness randomness;
  http::ClientLoop& loop;
  HttpHubTransport transport;
  LoopStore store;
  HubLinks links;
  SaeDirectory directory;
  Initiator initiator;
  Responder responder;
  HeldKeys held;
  Confirmations confirmations;
  BundleFetches fetches;
  FetchAhead fetch_ahead;
  PendingWatch pending;
  DeliveryRecords records;
  PsrdAllowance allowance;
  KeyStore key_store;
  KeyDelivery delivery;
};

// Takes over the hubs of a configuration file that has changed.
void follow(const Result<std::vector<ConfiguredHub>>& hubs, HubRoster& roster, Engine& engine) {
  if (!hubs) return log::error("the configuration has changed and is not followed: {}", hubs.error().message);
  if (*hubs == roster.listed()) return;
  roster.replace(*hubs);
  std::string names;
  for (const ConfiguredHub& hub : *hubs) names += (names.empty() ? "" : ", ") + hub.name.text();
  log::info("the configuration's hubs are now {}; what else has changed takes effect at the next start",
            names);
  engine.loop.post([&engine] { engine.links.follow_roster(); });
}

}  // namespace

Result<void> init_kme(const KmeConfig& config) {
  if (auto made = make_private_directories(psrd_in(config)); !made) return made;
  const auto lock = DirectoryLock::take(config.node.state_dir);
  if (!lock) return lock.error();
  // A store's key is never made anew: nothing but the old one opens it.
  if (auto none = store::check_no_database(config.node.state_dir); !none) return none;
  if (auto key = node::make_node_key(config.node.node_key); !key) return key;
  if (auto token = node::make_management_token(config.node.state_dir); !token) return token;
  const auto node_key = node::read_node_key(config.node.node_key);
  if (!node_key) return node_key.error();
  return store::KmeStore::create(config.node.state_dir, *node_key);
}

Result<void> serve_kme(const KmeConfig& config) {
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
  auto store = store::KmeStore::open(config.node.state_dir, *node_key);
  if (!store) return store.error();
  auto contents = (*store)->load();
  if (!contents) return contents.error();
  pass(FaultPoint::store_opened);
  for (const BlockId& block : contents->dropped_after_set_back) {
    log::error(
        "the store was set back to an earlier state: PSRD block {} may have been used since and was dropped",
        block.text());
  }
  if (auto made = make_private_directories(psrd_in(config)); !made) return made;
  const auto watch = DirectoryWatch::open(psrd_in(config));
  if (!watch) return watch.error();

  HubRoster roster(config);
  PsrdIngestion ingestion(config, roster, **store, contents->hubs);
  auto loop = http::ClientLoop::start();
  auto engine = std::make_unique<Engine>(config, roster, **store, *loop);
  engine->links.on_forgotten = [&ingestion](const HubId& hub) { ingestion.forget_hub(hub); };
  auto worker = std::make_unique<node::WorkerThread>();
  const SystemClock clock;
  const ManagedKme managed{
      config,  engine->links, engine->held, engine->delivery, engine->key_store, ingestion,
      *worker, *loop,         clock,        clock.now()};

  http::ServerConfig etsi_config;
  etsi_config.name = "ETSI GS QKD 014";
  etsi_config.address = config.node.address;
  etsi_config.port = config.node.port;
  etsi_config.workers = config.node.workers;
  etsi_config.tls = config.tls;
  etsi_config.limits = config.node.server;
  etsi_config.limits.body_bytes = kRequestBytesMost;
  etsi_config.limits.pending_write_bytes = kAnswerBytesMost;
  std::vector<http::Route> routes = etsi_routes(config, engine->delivery, *loop);
  append(routes, node::documentation_routes(etsi_documents()));
  auto etsi = http::Server::start(etsi_config, std::move(routes));

  http::ServerConfig management_config;
  management_config.name = "management";
  management_config.address = config.node.management_address;
  management_config.port = config.node.management_port;
  std::vector<http::Route> managing =
      management_routes(managed, std::make_shared<const SecretBytes>(std::move(*token)));
  append(managing, node::health_routes([&] { return not_ready_reason(config, engine->links); }));
  append(managing, node::documentation_routes(management_documents(config)));
  auto management = etsi ? http::Server::start(management_config, std::move(managing))
                         : Result<std::unique_ptr<http::Server>>(etsi.error());

  if (management) {
    const auto ingest_all = [&] {
      (void)worker->submit([&] {
        ingest_directory(ingestion, psrd_in(config), [&](Ingested ingested) {
          loop->post([&running = *engine, ingested = std::move(ingested)]() mutable {
            running.links.add_block(ingested.hub, std::move(ingested.block));
          });
        });
      });
    };
    bool stopping = false;  // known to the loop alone
    loop->post([&, contents = std::move(*contents)]() mutable {
      engine->begin(std::move(contents));
      loop->watch_readable(watch->descriptor(), [&, ingest_all] {
        watch->drain();
        if (!stopping) ingest_all();
      });
      ingest_all();
    });
    log::info("KME {} serves on {}, management on {}", config.name.text(),
              node::host_and_port(config.node.address, config.node.port),
              node::host_and_port(config.node.management_address, config.node.management_port));

    ConfigWatch config_watch(config);
    int ticks = 0;
    node::wait_for_stop(kTick, [&] {
      if (const auto hubs = config_watch.changed_hubs()) follow(*hubs, roster, *engine);
      const bool expire = ++ticks % kExpireEveryTicks == 0;
      // What could not be ingested when it came, for a full disk for example.
      if (expire) ingest_all();
      loop->post([&running = *engine, expire] {
        running.links.settle();
        running.key_store.settle();
        if (expire) running.expire();
      });
    });
    log::info("KME {} stops", config.name.text());
    (*etsi)->stop(kStopGrace);
    (*management)->stop(kStopGrace);
    run_on_loop(*loop, kCloseGrace, [&](Task done) {
      stopping = true;
      engine->close(std::move(done));
    });
    // While the loop still runs, since ingestions that are under way post to it; no new ones come.
    worker.reset();
    store->reset();
    loop.reset();
  }
  // The servers' handlers and the loop's tasks use the engine; the store's callbacks use the loop.
  if (etsi) etsi->reset();
  if (management) management->reset();
  worker.reset();
  store->reset();
  loop.reset();
  engine.reset();
  if (!management) return management.error();
  return {};
}

}  // namespace dske::kme
