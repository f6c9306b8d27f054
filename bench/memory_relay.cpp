#include "bench/memory_relay.h"

#include <future>
#include <string>
#include <utility>

#include "dske/message_authentication.h"
#include "http/reply_sink.h"
#include "hub/authenticator.h"
#include "hub/registration.h"
#include "hub/relay.h"

namespace dske::bench {
namespace {

constexpr std::chrono::seconds kRegistrationMost{10};

// Hands a hub's answer back to the client that asked.
class AnswerSink final : public http::Reply::Sink {
 public:
  AnswerSink(EventLoop& loop, HubTransport::Done done) : loop_(loop), done_(std::move(done)) {}
  void send(http::Response response, http::Reply::Written /*written*/) override {
    HubAnswer answer;
    answer.status = response.status;
    for (http::Header& header : response.headers) {
      if (header.name == kSignatureHeader) answer.signature = std::move(header.value);
    }
    answer.body = std::move(response.body);
    loop_.post([done = std::move(done_), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  }

 private:
  EventLoop& loop_;
  HubTransport::Done done_;
};

}  // namespace

// A hub's own code over a store in memory.
class MemoryHub {
 public:
  MemoryHub(const HubName& name, EventLoop& loop, const Clock& clock, Randomness& randomness)
      : address_{HubId::random(randomness), name, ""},
        config_(config_of(name)),
        store_(loop),
        clients_(store_),
        failures_(clock),
        authenticator_(address_.id, Epoch::random(randomness), clients_, failures_),
        registration_(address_.id, config_, authenticator_.epoch(), clients_, store_),
        polls_(store_, clock, 1),
        relay_(address_.id, config_.limits, clients_, store_, polls_, clock),
        registering_(authenticator_.verified_without_epoch(
            [this](hub::VerifiedRequest request) { registration_.handle(std::move(request)); })) {
    for (const char* client : {"carol", "celia"}) {
      clients_.put({*ClientName::parse(client), ClientId::random(randomness), {*SaeId::parse(client)}});
    }
  }

  [[nodiscard]] const HubAddress& address() const { return address_; }

  void add_block(const ClientName& client, PsrdBlock block) {
    store_.add_block(block);
    clients_.add_block(clients_.by_name(client), std::move(block), false);
  }

  void handle(http::Request request, http::Reply reply) {
    const std::string base = "/hub/" + address_.name.text() + "/dske/api/v1";
    const std::string path = request.path.substr(base.size());
    if (path == "/registration") return registering_(std::move(request), std::move(reply));
    void (hub::Relay::*handler)(hub::VerifiedRequest) = nullptr;
    if (path == "/key-share") {
      handler = request.method == "POST"  ? &hub::Relay::post_share
                : request.method == "GET" ? &hub::Relay::get_share
                                          : &hub::Relay::withdraw_share;
    } else if (path == "/key-share/confirmation") {
      handler = &hub::Relay::confirm;
    } else {
      handler = &hub::Relay::look_up_sae;
      request.parameters = {path.substr(path.rfind('/') + 1)};
    }
    authenticator_.verified([this, handler](hub::VerifiedRequest verified) {
      (relay_.*handler)(std::move(verified));
    })(std::move(request), std::move(reply));
  }

 private:
  static hub::HubConfig config_of(const HubName& name) {
    hub::HubConfig config;
    config.name = name;
    config.limits.waiting_bytes_per_client = std::uint64_t{1} << 40;
    return config;
  }

  const HubAddress address_;
  const hub::HubConfig config_;
  MemoryHubStore store_;
  hub::ClientRegistry clients_;
  hub::FailureLimiter failures_;
  hub::Authenticator authenticator_;
  hub::Registration registration_;
  hub::WaitingPolls polls_;
  hub::Relay relay_;
  http::Handler registering_;
};

class MemoryRelay::Transport final : public HubTransport {
 public:
  Transport(const std::vector<std::unique_ptr<MemoryHub>>& hubs, EventLoop& loop)
      : hubs_(hubs), loop_(loop) {}

  void send(const HubAddress& hub, HubRequest request, Done done) override {
    http::Request received;
    received.method = std::move(request.method);
    const auto question_mark = request.target.find('?');
    received.path = request.target.substr(0, question_mark);
    if (question_mark != std::string::npos) received.query = request.target.substr(question_mark + 1);
    received.headers.push_back({std::move(request.signature_header), std::move(request.signature)});
    received.body = std::move(request.body);
    received.peer_address = "127.0.0.1";
    for (const auto& each : hubs_) {
      if (each->address().id != hub.id) continue;
      return each->handle(std::move(received),
                          http::Reply(std::make_unique<AnswerSink>(loop_, std::move(done))));
    }
  }

 private:
  const std::vector<std::unique_ptr<MemoryHub>>& hubs_;
  EventLoop& loop_;
};

// A client's half, as a KME has it.
struct MemoryRelay::End {
  End(const char* client, std::size_t shares_required, MemoryRelay& relay)
      : name(*ClientName::parse(client)),
        store(*relay.loop_),
        surroundings{name, {*SaeId::parse(client)}, *relay.loop_, relay.clock_, *relay.transport_, store},
        links(make_links(relay)),
        directory(links, shares_required, *relay.loop_, relay.clock_),
        initiator({name, shares_required}, links, directory, store, *relay.loop_, relay.clock_,
                  relay.randomness_),
        responder({name, shares_required}, links, *relay.loop_, relay.clock_) {}

  std::vector<std::shared_ptr<HubLink>> make_links(MemoryRelay& relay) {
    std::vector<std::shared_ptr<HubLink>> made;
    for (const auto& hub : relay.hubs_)
      made.push_back(HubLink::make(hub->address(), LeasedPool::make(Side::client, store), surroundings));
    return made;
  }

  ClientName name;
  MemoryClientStore store;
  ClientSurroundings surroundings;
  std::vector<std::shared_ptr<HubLink>> links;
  SaeDirectory directory;
  Initiator initiator;
  Responder responder;
};

Result<std::unique_ptr<MemoryRelay>> MemoryRelay::start(std::size_t hubs, std::size_t shares_required,
                                                        std::uint64_t pad_bytes, std::uint64_t messages) {
  const std::uint64_t authenticators = 32 * messages + 65536;
  const std::uint64_t pads = pad_bytes + 65536;
  std::unique_ptr<MemoryRelay> relay(new MemoryRelay(hubs, shares_required));
  relay->add_psrd({authenticators, pads, authenticators, 65536},
                  {authenticators, 65536, authenticators, pads});
  if (auto registered = relay->register_all(); !registered) return registered.error();
  return relay;
}

MemoryRelay::MemoryRelay(std::size_t hubs, std::size_t shares_required) : loop_(http::ClientLoop::start()) {
  for (std::size_t i = 0; i < hubs; ++i) {
    hubs_.push_back(std::make_unique<MemoryHub>(*HubName::parse("hub" + std::to_string(i + 1)), *loop_,
                                                clock_, randomness_));
  }
  transport_ = std::make_unique<Transport>(hubs_, *loop_);
  carol_ = std::make_unique<End>("carol", shares_required, *this);
  celia_ = std::make_unique<End>("celia", shares_required, *this);
}

MemoryRelay::~MemoryRelay() {
  loop_.reset();
}

void MemoryRelay::add_psrd(const PsrdLayout& of_carol, const PsrdLayout& of_celia) {
  for (const auto& [end, layout] : {std::pair(carol_.get(), of_carol), std::pair(celia_.get(), of_celia)}) {
    for (std::size_t i = 0; i < hubs_.size(); ++i) {
      const BlockId id = BlockId::random(randomness_);
      SecretBytes bytes = randomness_.bytes(layout.total());
      PsrdBlock at_hub =
          PsrdBlock::fresh(id, layout, std::make_shared<MemoryPsrdBytes>(bytes.clone()), Side::hub);
      PsrdBlock at_client =
          PsrdBlock::fresh(id, layout, std::make_shared<MemoryPsrdBytes>(std::move(bytes)), Side::client);
      hubs_[i]->add_block(end->name, std::move(at_hub));
      end->store.add_block(at_client);
      end->links[i]->pool().add_block(std::move(at_client), true);
    }
  }
}

Result<void> MemoryRelay::register_all() {
  const auto outstanding = std::make_shared<std::size_t>(2 * hubs_.size());
  const auto finished = std::make_shared<std::promise<bool>>();
  auto waiting = finished->get_future();
  loop_->post([this, outstanding, finished] {
    for (End* end : {carol_.get(), celia_.get()}) {
      for (const auto& link : end->links) {
        link->register_now();
        link->after_registration([outstanding, finished] {
          if (--*outstanding == 0) finished->set_value(true);
        });
      }
    }
  });
  if (waiting.wait_for(kRegistrationMost) != std::future_status::ready)
    return Error{ErrorKind::unavailable, "the clients could not register"};
  return {};
}

void MemoryRelay::establish(BundleRequest request, Initiator::Done done) {
  loop_->post([this, request = std::move(request), done = std::move(done)]() mutable {
    carol_->initiator.establish(std::move(request), std::move(done));
  });
}

void MemoryRelay::receive(EstablishedBundle bundle, Held done) {
  loop_->post([this, bundle = std::move(bundle), done = std::move(done)]() mutable {
    const BundleName name = bundle.context.name();
    celia_->responder.fetch(
        name, [this, bundle = std::move(bundle), done = std::move(done)](
                  const Result<FetchedBundle>& result) mutable { fetched(bundle, done, result); });
  });
}

void MemoryRelay::fetched(const EstablishedBundle& bundle, Held& done, const Result<FetchedBundle>& fetched) {
  if (!fetched) return done(fetched.error());
  if (!constant_time_equal(bundle.keys.view(), fetched->keys.view()))
    return done(Error{ErrorKind::corrupt, "the keys at the two ends differ"});
  celia_->responder.confirm({fetched->context});
  done({});
}

}  // namespace dske::bench
