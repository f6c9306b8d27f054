#include "bench/share_rounds.h"

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "base/random.h"
#include "dske/key_share_message.h"
#include "dske/one_time_pad.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::uint32_t kKeyBytes = 32;
constexpr std::chrono::seconds kLifetime{600};

// Lives on the loop of both clients and keeps itself alive until the end.
class Rounds : public std::enable_shared_from_this<Rounds> {
 public:
  explicit Rounds(ShareRoundsSettings settings) : settings_(std::move(settings)) {}

  std::future<Result<ShareRounds>> result() { return result_.get_future(); }

  void post() {
    if (measured_.whole.size() == settings_.rounds) return result_.set_value(std::move(measured_));
    context_.id = BundleId::random(randomness_);
    context_.initiator = settings_.initiator.name();
    context_.key_count = 1;
    context_.key_size_bytes = kKeyBytes;
    context_.master = settings_.master;
    context_.slaves = {{settings_.slave, settings_.responder.name()}};
    context_.shares_required = 2;
    // The other hub is never asked: what is measured is one of them.
    context_.hubs = {settings_.initiator.link().address().id, HubId::random(randomness_)};
    share_ = randomness_.bytes(context_.share_bytes());
    begun_ = at_ = steady_clock::now();
    settings_.initiator.link().reserve_pad(context_.share_bytes(),
                                           [self = shared_from_this()](Result<HubLink::Pad> pad) {
                                             if (!pad) return self->fail(pad.error());
                                             self->send(std::move(*pad));
                                           });
  }

 private:
  void send(HubLink::Pad pad) {
    KeyShareMessage message;
    message.context = context_;
    message.encrypted_share = share_.clone();
    apply_pad(message.encrypted_share.span(), pad.reserved.bytes.view());
    message.allocation = pad.reserved.allocation;
    message.lifetime = kLifetime;
    call(settings_.initiator, "POST", "/key-share", message.write(), measured_.post,
         [self = shared_from_this(), in_use = std::make_shared<HubLink::InUse>(std::move(pad.in_use))](
             const HubReply& /*reply*/) { self->fetch(); });
  }

  void fetch() {
    const std::string path =
        "/key-share?initiator=" + context_.initiator.text() + "&key_id=" + context_.id.text();
    call(settings_.responder, "GET", path, {}, measured_.fetch,
         [self = shared_from_this()](const HubReply& reply) { self->confirm(reply); });
  }

  void confirm(const HubReply& fetched) {
    auto message = KeyShareMessage::parse(fetched.body.text());
    if (!message) return fail(message.error());
    auto pad = settings_.responder.link().pool().take(Zone::pad, message->allocation);
    if (!pad) return fail(pad.error());
    const SecretBytes share = message->take_share(std::move(*pad));
    if (!constant_time_equal(share.view(), share_.view()))
      return fail({ErrorKind::corrupt, "another share was fetched than was posted"});
    json::Writer writer;
    writer.begin_object().name("bundles").begin_array().begin_object();
    writer.name("initiator").string(context_.initiator.text());
    writer.name("bundle_id").string(context_.id.text()).end_object();
    writer.end_array().end_object();
    call(settings_.responder, "POST", "/key-share/confirmation", writer.take(), measured_.confirm,
         [self = shared_from_this()](const HubReply& /*reply*/) {
           self->measured_.whole.emplace_back(steady_clock::now() - self->begun_);
           self->post();
         });
  }

  void call(HubClient& client, std::string method, std::string path, SecretBytes body,
            std::vector<Latency>& latencies, std::function<void(const HubReply&)> next) {
    const std::string what = method + " " + path.substr(0, path.find('?'));
    client.link().call(
        std::move(method), std::move(path), std::move(body),
        [self = shared_from_this(), what, &latencies, next = std::move(next)](const Result<HubReply>& reply) {
          const auto now = steady_clock::now();
          latencies.emplace_back(now - std::exchange(self->at_, now));
          if (!reply) return self->fail(reply.error().within(what));
          if (reply->status != 200)
            return self->fail({ErrorKind::unavailable, what + " " + reply->refusal()});
          next(*reply);
        });
  }

  void fail(const Error& error) { result_.set_value(error); }

  const ShareRoundsSettings settings_;
  SystemRandomness randomness_;
  BundleContext context_;
  SecretBytes share_;
  steady_clock::time_point begun_;
  steady_clock::time_point at_;  // the end of the step before
  ShareRounds measured_;
  std::promise<Result<ShareRounds>> result_;
};

}  // namespace

Result<ShareRounds> run_share_rounds(const ShareRoundsSettings& settings, EventLoop& loop) {
  const auto rounds = std::make_shared<Rounds>(settings);
  auto result = rounds->result();
  loop.post([rounds] { rounds->post(); });
  return result.get();
}

}  // namespace dske::bench
