// The whole way of an SAE's requests: framer, router and the standard's methods over keys that the KME holds.
// The first byte says who calls, the second which answers do not reach it. Every request gets one answer of
// the standard's form, and no key reaches an SAE twice.
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "../unit/dske/simulated_loop.h"
#include "base/log.h"
#include "base/random.h"
#include "etsi014/reader.h"
#include "http/framer.h"
#include "http/reply_sink.h"
#include "http/router.h"
#include "kme/etsi_routes.h"
#include "kme/hub_roster.h"

using namespace dske;
using namespace dske::kme;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const Error kNone{ErrorKind::unavailable, "there is no PSRD here"};

// Everything becomes durable at once. There is no PSRD.
class MemoryStore final : public store::KmeStore {
 public:
  Result<Contents> load() override { return Contents{}; }
  void extend_leases(std::vector<PsrdLease>, Leased done) override { done(std::vector<SecretBytes>()); }
  void return_leases(std::vector<PsrdReturn>, Done done) override { done({}); }
  void raise_floors(std::vector<PsrdFloor>, Done done) override { done({}); }
  Result<std::unique_ptr<store::BlockWriter>> write_block(const BlockId&, const PsrdLayout&) override {
    return kNone;
  }
  void knows_block(BlockId, Answer<bool> done) override { done(false); }
  void ingest_block(store::HubRecord, std::unique_ptr<store::BlockWriter>, Answer<PsrdBlock> done) override {
    done(kNone);
  }
  void drop_block(BlockId, Answer<void> done) override { done({}); }
  void forget_hub(HubId, Answer<void> done) override { done({}); }
  void next_registration_number(HubId, Answer<std::uint64_t> done) override { done(++number_); }
  void begin_bundle(store::PostedBundle, Answer<void> done) override { done({}); }
  void acknowledge_bundle(BundleId, Answer<void> done) override { done({}); }
  void forget_bundle(BundleId, Answer<void> done) override { done({}); }
  void hold_bundle(store::HeldBundle, Answer<void> done) override { done({}); }
  void record_deliveries(std::vector<store::Delivery>, Answer<void> done) override { done({}); }
  void add_ready(store::ReadyBundle, Answer<void> done) override { done({}); }
  void lease_ready(std::vector<store::ReadyLease>, Answer<std::vector<store::ReadyLeased>> done) override {
    done(std::vector<store::ReadyLeased>());
  }
  void return_ready(std::vector<store::ReadyReturn>, Answer<void> done) override { done({}); }
  void drop_ready(std::vector<BundleId>, Answer<void> done) override { done({}); }
  void expire(Answer<std::vector<BundleName>> done) override { done(std::vector<BundleName>()); }

 private:
  std::uint64_t number_ = 0;
};

const SaeId kCarol = SaeId::parse("carol").value();
const SaeId kSam = SaeId::parse("sam").value();
const SaeId kAlice = SaeId::parse("alice").value();
const ClientName kOwn = ClientName::parse("carol").value();
const ClientName kOther = ClientName::parse("alice").value();
constexpr std::uint16_t kKeys = 3;
constexpr std::uint32_t kKeyBytes = 4;
// The first of the held keys' IDs is this with the index in place of its index.
const BundleId kBundle = BundleId::of(KeyId::parse("12345678-1234-4321-8765-000000000000").value());

KmeConfig configuration() {
  KmeConfig config;
  config.name = kOwn;
  config.encryptors = {kCarol, kSam};
  config.request_limits = {1000000, 1000000, 1000000};
  config.base_path = "/base";
  return config;
}

// A KME without hubs that holds one bundle of three keys for its two SAEs.
class Kme {
 public:
  Kme() {
    BundleContext context{kBundle, kOther, kKeys, kKeyBytes, kAlice, {{kCarol, kOwn}, {kSam, kOwn}}, 2, {}};
    held_.hold(std::move(context), SecretBytes::copy_of(std::string_view("abcdefghijkl")),
               clock_.now() + std::chrono::hours(1), {});
  }

  // The answer; there must be one within a minute.
  http::Response serve(const http::Handler& handler, http::Request request, bool arrives) {
    auto sink = std::make_unique<Sink>();
    const auto answer = sink->answer;
    handler(std::move(request), http::Reply(std::move(sink)));
    loop_.run_for(std::chrono::minutes(1));
    require(answer->given);
    if (answer->written) answer->written(arrives);
    loop_.run_for(std::chrono::seconds(1));
    return std::move(answer->response);
  }

  std::vector<http::Route> routes() { return etsi_routes(config_, delivery_, loop_); }

 private:
  struct Given {
    bool given = false;
    http::Response response;
    http::Reply::Written written;
  };
  struct Sink final : http::Reply::Sink {
    void send(http::Response response, http::Reply::Written written) override {
      require(!answer->given);
      *answer = {true, std::move(response), std::move(written)};
    }
    std::shared_ptr<Given> answer = std::make_shared<Given>();
  };

  const KmeConfig config_ = configuration();
  const HubRoster roster_{config_};
  test::SimulatedClock clock_;
  test::SimulatedLoop loop_{clock_, 1};
  SystemRandomness randomness_;
  MemoryStore durable_;
  LoopStore store_{durable_, loop_, clock_};
  const std::vector<std::shared_ptr<HubLink>> links_;
  SaeDirectory directory_{links_, 2, loop_, clock_};
  Initiator initiator_{{kOwn, 2}, links_, directory_, store_, loop_, clock_, randomness_};
  Responder responder_{{kOwn}, links_, loop_, clock_};
  HeldKeys held_{kOwn, config_.encryptors, clock_};
  Confirmations confirmations_{responder_, held_, loop_, clock_};
  BundleFetches fetches_{responder_, held_, confirmations_, store_, clock_};
  DeliveryRecords records_{store_, loop_};
  PsrdAllowance allowance_{config_, links_, clock_};
  KeyStore key_store_{{config_,
                       [this](BundleRequest request, Initiator::Done done) {
                         initiator_.establish(std::move(request), std::move(done));
                       },
                       [this](const BundleRequest& request) { return allowance_.allows_ahead(request); },
                       store_, loop_, clock_}};
  KeyDelivery delivery_{{config_, roster_, links_, directory_, initiator_, held_, fetches_, records_,
                         allowance_, key_store_, loop_, clock_}};
};

void check_keys(const http::Response& answer, bool arrives, std::map<KeyId, bool>& arrived) {
  const auto keys = etsi014::read_key_container(answer.body.text());
  require(keys.has_value());
  for (const etsi014::Key& key : *keys) {
    require(BundleId::of(key.id) == kBundle && BundleId::index_of(key.id) < kKeys);
    const std::size_t offset = BundleId::index_of(key.id) * kKeyBytes;
    require(key.value.text() == std::string_view("abcdefghijkl").substr(offset, kKeyBytes));
    require(!arrived[key.id]);
    arrived[key.id] = arrives;
  }
}

void check_error(const http::Response& answer) {
  const auto error = etsi014::read_error(answer.status, answer.body.text());
  require(error && !error->message.empty());
  const int status = answer.status;
  require(status == 400 || status == 401 || status == 415 || status == 503);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const bool quiet = [] {
    log::set_level(log::Level::error);
    return true;
  }();
  static_cast<void>(quiet);
  const auto identity = std::make_shared<http::PeerIdentity>();
  identity->common_name = data[0] % 4 == 0 ? "sam" : data[0] % 4 == 1 ? "mallory" : "carol";
  unsigned losses = data[1];

  Kme kme;
  const auto router = http::Router::make(std::make_shared<const http::Routes>(kme.routes()), 4096);
  require(router.has_value());
  http::Framer framer({4096, 32, 4096});
  std::map<KeyId, bool> arrived;
  for (ByteView rest(data + 2, size - 2); !rest.empty();) {
    rest = rest.subspan(framer.feed(rest));
    if (framer.state() == http::Framer::State::refused) break;
    if (framer.state() != http::Framer::State::complete) continue;
    http::Request request = framer.take().request;
    http::Router::Match match = (*router)->find(request.method, request.path);
    if (match.handler == nullptr) continue;
    request.parameters = std::move(match.parameters);
    request.identity = identity;
    const bool is_status = request.path.ends_with("/status");
    const bool arrives = (losses & 1) == 0;
    losses >>= 1;
    const http::Response answer = kme.serve(*match.handler, std::move(request), arrives);
    if (answer.status != 200) {
      check_error(answer);
    } else if (is_status) {
      require(etsi014::read_status(answer.body.text()).has_value());
    } else {
      check_keys(answer, arrives, arrived);
    }
  }
  return 0;
}
