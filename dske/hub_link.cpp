#include "dske/hub_link.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/log.h"

namespace dske {
namespace {

using std::chrono::milliseconds;

}  // namespace

std::string HubReply::refusal() const {
  return "answered " + std::to_string(status) + ": " + message_of(body);
}

std::string HubReply::message_of(const SecretBytes& body) {
  const auto document = json::Document::parse(body.text());
  if (!document || !document->root().is_object()) return "no message";
  const auto message = document->root().member("message");
  if (!message) return "no message";
  const std::string_view text = message->string().value_or("no message");
  std::size_t length = std::min<std::size_t>(text.size(), 200);
  const auto within_character = [&] { return (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80; };
  while (length > 0 && length < text.size() && within_character()) --length;
  std::string shown(text.substr(0, length));
  std::replace_if(
      shown.begin(), shown.end(),
      [](unsigned char character) { return character < 0x20 || character == 0x7f; }, ' ');
  return shown;
}

std::shared_ptr<HubLink> HubLink::make(HubAddress address, std::shared_ptr<LeasedPool> pool,
                                       const ClientSurroundings& client) {
  return std::shared_ptr<HubLink>(new HubLink(std::move(address), std::move(pool), client));
}

HubLink::HubLink(HubAddress address, std::shared_ptr<LeasedPool> pool, const ClientSurroundings& client)
    : address_(std::move(address)), pool_(std::move(pool)), client_(client) {}

std::string HubLink::target(const std::string& path) const {
  return "/hub/" + address_.name.text() + "/dske/api/v1" + path;
}

void HubLink::call(std::string method, std::string path, Body body, Reply done) {
  if (!registered()) {
    done(Error{ErrorKind::unavailable, "not registered: " + last_error_});
    return;
  }
  pool_->allocate(Zone::authenticator, kOneTimeMacKeySize,
                  [self = shared_from_this(), method = std::move(method), path = std::move(path),
                   body = std::move(body), done = std::move(done)](Result<Reserved> key) mutable {
                    if (!key) return done(key.error());
                    self->send_signed(self->epoch_, std::move(method), path, std::move(body), std::move(*key),
                                      std::move(done));
                  });
}

void HubLink::send_signed(Epoch epoch, std::string method, const std::string& path, Body body, Reserved key,
                          Reply done) {
  RequestParts parts{address_.id, epoch, {}, {}, {}};
  const std::string target_text = target(path);
  parts.method = method;
  parts.target = target_text;
  parts.body = body.bytes.view();
  const MacTag tag = request_tag(key.bytes.view(), parts);

  InUse in_use(in_use_, Zone::authenticator, key.allocation);
  HubRequest request{method,
                     target_text,
                     std::string(kSignatureHeader),
                     Signature{key.allocation, tag}.text(),
                     std::move(body.bytes),
                     body.content_type};
  client_.transport.send(
      address_, std::move(request),
      [self = shared_from_this(), epoch, method = std::move(method), target_text, tag,
       in_use = std::move(in_use), done = std::move(done)](Result<HubAnswer> answer) mutable {
        if (!answer) {
          self->unreachable(answer.error());
          return done(answer.error());
        }
        const RequestParts sent{self->address_.id, epoch, method, target_text, {}};
        auto reply = self->verify(sent, tag, std::move(*answer));
        if (reply && epoch == self->epoch_) self->pause_ = milliseconds(0);
        if (!reply && reply.error().kind == ErrorKind::unauthenticated && epoch == self->epoch_)
          self->not_accepted();
        done(std::move(reply));
      });
}

Result<HubReply> HubLink::verify(const RequestParts& request, const MacTag& tag, HubAnswer answer) {
  if (answer.signature.empty()) {
    const std::string message =
        "unsigned answer " + std::to_string(answer.status) + ": " + HubReply::message_of(answer.body);
    return Error{answer.status == 401 ? ErrorKind::unauthenticated : ErrorKind::unavailable, message};
  }
  const Error forged{ErrorKind::unavailable, "an answer that does not verify"};
  const auto signature = Signature::parse(answer.signature);
  if (!signature) return forged.within(signature.error().message);
  const auto key = pool_->peek(Zone::authenticator, signature->key);
  if (!key) return forged.within(key.error().message);
  if (!constant_time_equal(answer_tag(key->view(), request, {tag, answer.status, answer.body.view()}),
                           signature->tag)) {
    log::warning("hub {}: {}", address_.name.text(), forged.message);
    return forged;
  }
  if (auto taken = pool_->take(Zone::authenticator, signature->key); !taken)
    return forged.within("key used twice");
  return HubReply{answer.status, std::move(answer.body)};
}

void HubLink::set_state(State state) {
  if (std::exchange(state_, state) != state) client_.state_changed();
}

void HubLink::unreachable(const Error& error) {
  if (state_ != State::registered) return;
  log::warning("hub {}: {}", address_.name.text(), error.message);
  last_error_ = error.message;
  set_state(State::unreachable);
  if (!attempting_) register_now();
}

void HubLink::not_accepted() {
  if (!registered() || attempting_ || due_) return;
  log::info("hub {} does not accept our signature; registering again", address_.name.text());
  const MonotonicTime now = client_.clock.now();
  if (now < pause_end_) {
    register_after(pause_end_ - now);
  } else {
    register_now();
  }
}

void HubLink::poll(const PendingQuestion& question, Reply done) {
  if (!registered() || polling_key_.empty()) {
    done(Error{ErrorKind::unavailable, "not registered: " + last_error_});
    return;
  }
  const std::string target_text = target("/key-shares/pending?" + question.query());
  const RequestParts parts{address_.id, epoch_, "GET", target_text, {}};
  const PollingNumbers numbers{client_.name, registration_number_, ++polling_counter_};
  const PollingTag tag = polling_request_tag(polling_key_.view(), parts, numbers);
  HubRequest request{"GET",
                     target_text,
                     std::string(kPollingHeader),
                     PollingRequest{numbers, tag}.text(),
                     {},
                     kJsonContentType,
                     question.wait};
  client_.transport.send(
      address_, std::move(request),
      [self = shared_from_this(), target_text, numbers, tag, epoch = epoch_,
       done = std::move(done)](Result<HubAnswer> answer) mutable {
        if (!answer) {
          self->unreachable(answer.error());
          return done(answer.error());
        }
        const RequestParts sent{self->address_.id, epoch, "GET", target_text, {}};
        const auto polling = PollingAnswer::parse(answer->polling);
        if (epoch != self->epoch_ || numbers.registration != self->registration_number_) {
          return done(Error{ErrorKind::unavailable, "registered again meanwhile"});
        }
        if (polling && polling->counter == numbers.counter &&
            constant_time_equal(polling->tag, polling_answer_tag(self->polling_key_.view(), sent, numbers,
                                                                 tag, answer->status, answer->body.view()))) {
          self->pause_ = milliseconds(0);
          return done(HubReply{answer->status, std::move(answer->body)});
        }
        if (answer->status == 401) self->not_accepted();
        done(Error{ErrorKind::unavailable, "an answer to a poll that does not verify"});
      });
}

HubLink::InUse::InUse(std::shared_ptr<StartsInUse> starts, Zone zone, Allocation allocation)
    : starts_(std::move(starts)), zone_(zone), allocation_(std::move(allocation)) {
  for (const Fragment& fragment : allocation_) (*starts_)[zone_].emplace(fragment.block, fragment.start);
}

HubLink::InUse::~InUse() {
  if (!starts_) return;
  for (const Fragment& fragment : allocation_) (*starts_)[zone_].erase({fragment.block, fragment.start});
}

void HubLink::reserve_pad(std::uint64_t size_bytes, UniqueFunction<void(Result<Pad>)> done) {
  pool_->allocate(Zone::pad, size_bytes,
                  [self = shared_from_this(), done = std::move(done)](Result<Reserved> reserved) mutable {
                    if (!reserved) return done(reserved.error());
                    InUse in_use(self->in_use_, Zone::pad, reserved->allocation);
                    done(Pad{std::move(*reserved), std::move(in_use)});
                  });
}

void HubLink::report_wrong_share(const std::string& what) {
  ++wrong_shares_;
  log::warning("hub {}: {}", address_.name.text(), what);
}

void HubLink::after_registration(Task done) {
  if (attempting_ || due_) {
    waiting_.push_back(std::move(done));
  } else {
    client_.loop.post(std::move(done));
  }
}

void HubLink::close() {
  if (timer_) client_.loop.cancel(*timer_);
  timer_.reset();
  const std::vector<Task> dropped = std::exchange(waiting_, {});
}

std::optional<Error> too_few_registered(const std::vector<std::shared_ptr<HubLink>>& links,
                                        std::size_t needed) {
  std::size_t registered = 0;
  std::string causes;
  for (const auto& link : links) {
    if (link->registered()) {
      ++registered;
    } else {
      causes += (causes.empty() ? "" : "; ") + link->address().name.text() + ": " +
                (link->last_error().empty() ? "not registered yet" : link->last_error());
    }
  }
  if (registered >= needed) return std::nullopt;
  return Error{ErrorKind::unavailable, "only " + std::to_string(registered) + " of the " +
                                           std::to_string(needed) + " hubs needed can be asked" +
                                           (causes.empty() ? "" : " (" + causes + ")")};
}

}  // namespace dske
