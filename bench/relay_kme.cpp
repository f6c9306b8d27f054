#include "bench/relay_kme.h"

#include <future>
#include <thread>
#include <utility>

#include "base/file.h"
#include "kme/psrd_ingestion.h"

namespace dske::bench {
namespace {

// As dske-kme has them.
constexpr std::chrono::milliseconds kGrace{200};
constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::chrono::milliseconds kGatherConfirmations{20};
constexpr std::chrono::seconds kRegistrationMost{10};
constexpr std::chrono::seconds kTick{1};

}  // namespace

Result<std::unique_ptr<RelayKme>> RelayKme::start(const std::filesystem::path& directory,
                                                  const std::string& name, const std::vector<Hub>& hubs,
                                                  std::size_t shares_required) {
  kme::KmeConfig config;
  config.name = *ClientName::parse(name);
  config.encryptors = {*SaeId::parse(name)};
  config.shares_required = shares_required;
  config.least_shares_required = shares_required;
  for (const Hub& hub : hubs) config.hubs.push_back({*HubName::parse(hub.name), ""});
  if (auto made = make_private_directories(directory); !made) return made.error();
  const SecretBytes node_key = SystemRandomness().bytes(Sealer::kKeyBytes);
  if (auto created = store::KmeStore::create(directory, node_key); !created) return created.error();
  auto store = store::KmeStore::open(directory, node_key);
  if (!store) return store.error();
  std::unique_ptr<RelayKme> kme(new RelayKme(std::move(config), std::move(*store)));
  if (auto ingested = kme->ingest(hubs); !ingested) return ingested.error();
  if (auto begun = kme->begin(); !begun) return begun.error();
  return kme;
}

RelayKme::RelayKme(kme::KmeConfig config, std::unique_ptr<store::KmeStore> store)
    : config_(std::move(config)),
      roster_(config_),
      durable_(std::move(store)),
      loop_(http::ClientLoop::start()),
      transport_(*loop_),
      store_(*durable_, *loop_, clock_),
      links_(config_, roster_, store_, *loop_, clock_, transport_),
      directory_(links_.all(), config_.shares_required, *loop_, clock_),
      initiator_({config_.name, config_.shares_required, kGrace, KeySource::generator}, links_.all(),
                 directory_, store_, *loop_, clock_, randomness_),
      responder_({config_.name, config_.least_shares_required, kPatience, std::chrono::hours(24)},
                 links_.all(), *loop_, clock_) {}

RelayKme::~RelayKme() {
  const auto closed = std::make_shared<std::promise<void>>();
  auto waiting = closed->get_future();
  loop_->post([this, closed] {
    links_.close([this, closed] {
      store_.stop();
      closed->set_value();
    });
  });
  waiting.wait_for(kRegistrationMost);
  durable_.reset();
  loop_.reset();
}

Result<void> RelayKme::ingest(const std::vector<Hub>& hubs) {
  kme::PsrdIngestion ingestion(config_, roster_, *durable_, {});
  for (const Hub& hub : hubs) {
    if (auto done = ingestion.ingest(hub.psrd_file, kme::PsrdArrival::by_operator); !done)
      return done.error();
  }
  return {};
}

Result<void> RelayKme::begin() {
  auto contents = durable_->load();
  if (!contents) return contents.error();
  const std::size_t hubs = contents->hubs.size();
  loop_->post([this, contents = std::move(*contents)]() mutable {
    links_.load(contents.hubs, std::move(contents.blocks));
  });
  const auto deadline = std::chrono::steady_clock::now() + kRegistrationMost;
  while (links_.registered() < hubs) {
    if (std::chrono::steady_clock::now() > deadline)
      return Error{ErrorKind::unavailable, config_.name.text() + " could not register with every hub"};
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto tick = std::make_shared<std::function<void()>>();
  *tick = [this, again = std::weak_ptr(tick)] {
    links_.settle();
    loop_->after(kTick, [tick = again.lock()] { (*tick)(); });
  };
  loop_->post([this, tick] { loop_->after(kTick, [tick] { (*tick)(); }); });
  return {};
}

void RelayKme::establish(BundleRequest request, Initiator::Done done) {
  loop_->post([this, request = std::move(request), done = std::move(done)]() mutable {
    initiator_.establish(std::move(request), std::move(done));
  });
}

void RelayKme::receive(const BundleName& bundle, UniqueFunction<void(Result<FetchedBundle>)> done) {
  loop_->post([this, bundle, done = std::move(done)]() mutable {
    responder_.fetch(bundle, [this, done = std::move(done)](Result<FetchedBundle> fetched) mutable {
      if (!fetched) return done(fetched.error());
      store::HeldBundle record{
          fetched->context, fetched->keys.clone(), DurableDeadline::at(fetched->expires, clock_), {}};
      store_.hold_bundle(std::move(record), [this, done = std::move(done), fetched = std::move(*fetched)](
                                                const Result<void>& held) mutable {
        if (!held) return done(held.error());
        confirm_later(fetched.context);
        done(std::move(fetched));
      });
    });
  });
}

void RelayKme::confirm_later(const BundleContext& bundle) {
  confirming_.push_back(bundle);
  if (confirming_.size() > 1) return;
  loop_->after(kGatherConfirmations, [this] { responder_.confirm(std::exchange(confirming_, {})); });
}

}  // namespace dske::bench
