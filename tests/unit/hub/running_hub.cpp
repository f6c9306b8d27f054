#include "hub/running_hub.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "http/reply_sink.h"

namespace dske::hub::test {

using store::test::require_ok;

namespace {

class PromisedSink final : public http::Reply::Sink {
 public:
  explicit PromisedSink(std::promise<Answer> promise) : promise_(std::move(promise)) {}
  void send(http::Response response, http::Reply::Written /*written*/) override {
    promise_.set_value({std::move(response)});
  }

 private:
  std::promise<Answer> promise_;
};

}  // namespace

Reserved HandClient::take(Zone zone, std::uint64_t size) {
  const Fragment next{block_.id, block_.layout.begin(Side::client, zone) + taken_[zone], size};
  REQUIRE(next.end() <= block_.layout.end(Side::client, zone));
  taken_[zone] += size;
  return {{next}, read({next})};
}

SecretBytes HandClient::read(const Allocation& allocation) const {
  SecretBytes bytes;
  for (const Fragment& fragment : allocation) {
    REQUIRE(fragment.block == block_.id);
    REQUIRE(fragment.end() <= block_.data.size());
    bytes.append(block_.data.view().subspan(fragment.start, fragment.size));
  }
  return bytes;
}

BlockPositions HandClient::positions() const {
  BlockPositions positions{block_.id, {}, {}};
  for (const Zone zone : kZones) {
    positions.own[zone] = block_.layout.begin(Side::client, zone);
    positions.seen[zone] = block_.layout.begin(Side::hub, zone);
  }
  return positions;
}

std::string_view Answer::header(std::string_view name) const {
  for (const http::Header& each : response.headers) {
    if (each.name == name) return each.value;
  }
  return {};
}

std::future<Answer> start(const http::Handler& handler, http::Request request) {
  std::promise<Answer> promise;
  auto answer = promise.get_future();
  handler(std::move(request), http::Reply(std::make_unique<PromisedSink>(std::move(promise))));
  return answer;
}

Answer answer_of(const http::Handler& handler, http::Request request) {
  return start(handler, std::move(request)).get();
}

http::Request request(std::string method, std::string path, std::string query, SecretBytes body) {
  http::Request made;
  made.method = std::move(method);
  made.path = std::move(path);
  made.query = std::move(query);
  made.body = std::move(body);
  made.peer_address = "192.0.2.7";
  return made;
}

http::Request copy_of(const http::Request& request) {
  http::Request copy;
  copy.method = request.method;
  copy.path = request.path;
  copy.query = request.query;
  copy.headers = request.headers;
  copy.body = request.body.clone();
  copy.peer_address = request.peer_address;
  copy.parameters = request.parameters;
  return copy;
}

RunningHub::Parts::Parts(const HubId& id, const HubConfig& config, store::HubStore& store, const Clock& clock)
    : clients(store),
      failures(clock),
      authenticator(id, store::test::random_id<Epoch>(), clients, failures),
      registration(id, config, authenticator.epoch(), clients, store),
      polls(store, clock, 2),
      relay(id, config.limits, clients, store, polls, clock) {}

RunningHub::RunningHub(const RelayLimits& limits) : id_(store::test::random_id<HubId>()) {
  log::set_level(log::Level::error);
  config_.name = store::test::name<HubName>("hank");
  config_.limits = limits;
  require_ok(store::HubStore::create(directory_.path(), store::test::node_key(), id_));
  begin();
  for (const char* each : {"carol", "celia", "mallory"}) {
    auto record = store::test::answer_of<store::ClientRecord>([&](auto done) {
      store_->put_client(store::test::client(each), store::test::random_id<ClientId>(),
                         {store::test::sae(each)}, std::move(done));
    });
    require_ok(record);
    parts_->clients.put(*record);
  }
}

RunningHub::~RunningHub() {
  end();
  log::set_level(log::Level::info);
}

void RunningHub::begin() {
  auto opened = store::test::open_hub(directory_.path());
  require_ok(opened);
  store_ = std::move(*opened);
  auto contents = store_->load();
  require_ok(contents);
  parts_ = std::make_unique<Parts>(id_, config_, *store_, clock_);
  parts_->clients.load(std::move(*contents));
}

void RunningHub::end() {
  for (const auto& each : parts_->clients.all()) {
    std::promise<void> closed;
    each->pool().close([&](const Result<void>& /*result*/) { closed.set_value(); });
    closed.get_future().wait();
  }
  store_.reset();
  parts_.reset();
}

void RunningHub::restart() {
  end();
  begin();
}

HandClient RunningHub::assign(std::string_view client_name) {
  store::test::NewBlock block = store::test::random_block(Side::client);
  const ClientName name = store::test::client(client_name);
  auto stored = store::test::answer_of<PsrdBlock>(
      [&](auto done) { store_->add_block(name, store::test::written(*store_, block), std::move(done)); });
  require_ok(stored);
  parts_->clients.add_block(client(client_name), std::move(*stored), false);
  return {name, std::move(block)};
}

HandClient RunningHub::registered(std::string_view client_name) {
  HandClient made = assign(client_name);
  const std::uint64_t number = client(client_name)->registration_number() + 1;
  REQUIRE(register_as(made, registration_of(made, number)).status() == 200);
  return made;
}

RegistrationRequest RunningHub::registration_of(HandClient& client, std::uint64_t number) const {
  RegistrationRequest message;
  message.client = client.name();
  message.number = number;
  message.sae_ids = {store::test::sae(client.name().text())};
  message.polling_key = client.take(Zone::authenticator, kPollingKeyBytes).allocation;
  message.blocks = {client.positions()};
  return message;
}

Answer RunningHub::register_as(HandClient& client, const RegistrationRequest& message) {
  http::Request put = request("PUT", "/hub/hank/dske/api/v1/registration", "", message.write());
  sign(client, put, {}, Epoch());
  const http::Request sent = copy_of(put);
  Answer answer = answer_of(registering(), std::move(put));
  if (answer.status() == 200) CHECK(is_signed(client, sent, answer, Epoch()));
  return answer;
}

void RunningHub::sign(HandClient& client, http::Request& request, std::optional<Reserved> key,
                      std::optional<Epoch> under) const {
  if (!key) key = client.take(Zone::authenticator, kOneTimeMacKeySize);
  const std::string target = request.target();
  const MacTag tag = request_tag(key->bytes.view(),
                                 {id_, under.value_or(epoch()), request.method, target, request.body.view()});
  request.headers.push_back({std::string(kSignatureHeader), Signature{key->allocation, tag}.text()});
}

Answer RunningHub::call(HandClient& client, const http::Handler& handler, http::Request request) const {
  sign(client, request);
  const http::Request sent = copy_of(request);
  Answer answer = answer_of(handler, std::move(request));
  CAPTURE(answer.body());
  CHECK(is_signed(client, sent, answer));
  return answer;
}

bool RunningHub::is_signed(const HandClient& client, const http::Request& request, const Answer& answer,
                           std::optional<Epoch> under) const {
  const auto of_request = Signature::parse(request.header(kSignatureHeader));
  const auto of_answer = Signature::parse(answer.header(kSignatureHeader));
  if (!of_request || !of_answer) return false;
  for (const Fragment& fragment : of_answer->key) {
    if (fragment.start < client.layout().begin(Side::hub, Zone::authenticator) ||
        fragment.end() > client.layout().end(Side::hub, Zone::authenticator)) {
      return false;
    }
  }
  const std::string target = request.target();
  const MacTag expected = answer_tag(client.read(of_answer->key).view(),
                                     {id_, under.value_or(epoch()), request.method, target, {}},
                                     {of_request->tag, answer.status(), as_bytes(answer.body())});
  return constant_time_equal(expected, of_answer->tag);
}

http::Handler RunningHub::relayed(void (Relay::*method)(VerifiedRequest)) const {
  return parts_->authenticator.verified(
      [this, method](VerifiedRequest request) { (parts_->relay.*method)(std::move(request)); });
}

http::Handler RunningHub::echo() const {
  return parts_->authenticator.verified(
      [](VerifiedRequest request) { request.answer(200, SecretBytes::copy_of("{}")); });
}

http::Handler RunningHub::registering() const {
  return parts_->authenticator.verified_without_epoch(
      [this](VerifiedRequest request) { parts_->registration.handle(std::move(request)); });
}

http::Handler RunningHub::leaving() const {
  return parts_->authenticator.verified(
      [this](VerifiedRequest request) { parts_->registration.leave(std::move(request)); });
}

std::shared_ptr<Client> RunningHub::client(std::string_view name) const {
  auto found = parts_->clients.by_name(store::test::client(name));
  REQUIRE(found != nullptr);
  return found;
}

}  // namespace dske::hub::test
