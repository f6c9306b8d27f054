#include "dske/responder_fetching.h"

#include <algorithm>
#include <utility>

#include "dske/secret_tag.h"
#include "dske/share_decoding.h"

namespace dske {

Responder::Fetching::Fetching(BundleName bundle, Responder& responder, Responder::Done done)
    : bundle_(std::move(bundle)), responder_(responder), done_(std::move(done)) {}

void Responder::Fetching::start() {
  if (auto too_few = too_few_registered(responder_.links_, responder_.settings_.least_shares_required))
    return finish(std::move(*too_few));
  const auto links = responder_.links_;
  outstanding_ = links.size();
  for (const auto& link : links) ask(link, true);
  asking_ = false;
  responder_.loop_.after(responder_.settings_.patience, [self = shared_from_this()] { self->decide(true); });
  decide(false);
}

void Responder::Fetching::ask(const std::shared_ptr<HubLink>& link, bool may_retry) {
  link->call("GET", "/key-share?initiator=" + bundle_.initiator.text() + "&key_id=" + bundle_.id.text(), {},
             [self = shared_from_this(), link, may_retry](Result<HubReply> reply) {
               self->answered(link, may_retry, std::move(reply));
             });
}

void Responder::Fetching::answered(const std::shared_ptr<HubLink>& link, bool may_retry,
                                   Result<HubReply> reply) {
  if (!reply && reply.error().kind == ErrorKind::unauthenticated && may_retry && !finished_) {
    link->after_registration([self = shared_from_this(), link] { self->ask(link, false); });
    return;
  }
  --outstanding_;
  if (!reply) {
    add_cause(*link, reply.error().message);
  } else if (reply->status == 404) {
    ++denied_;
    add_cause(*link, "has no such bundle for us");
  } else if (reply->status != 200) {
    add_cause(*link, reply->refusal());
  } else if (auto answer = read(link, reply->body.text()); !answer) {
    add_cause(*link, answer.error().message);
    if (answer.error().kind == ErrorKind::forbidden && verified_.empty()) {
      doubtful_.push_back(link);
    } else {
      link->report_wrong_share("bundle " + bundle_.id.text() + ": " + answer.error().message);
    }
  } else {
    answers_.push_back(std::move(*answer));
    if (!verified_.empty()) judge(answers_.back());
  }
  decide(false);
}

Result<Responder::Fetching::Answer> Responder::Fetching::read(const std::shared_ptr<HubLink>& link,
                                                              std::string_view body) const {
  auto message = KeyShareMessage::parse(body);
  if (!message) return message.error();
  BundleContext& context = message->context;
  if (context.name() != bundle_) return Error{ErrorKind::corrupt, "a share of another bundle"};
  const auto x = context.x_of(link->address().id);
  if (!x) return Error{ErrorKind::corrupt, "a context whose hub list it is not in"};
  if (!context.names_client(responder_.settings_.client)) {
    return Error{ErrorKind::corrupt, "a context that does not name this client"};
  }
  if (context.shares_required < responder_.settings_.least_shares_required) {
    // Its initiator may be set up so; the hub is at fault only if others prove another context.
    return Error{ErrorKind::forbidden, "a context that " + std::to_string(context.shares_required) +
                                           " shares would rebuild, fewer than this KME accepts"};
  }
  if (message->source != ShareSource::message)
    return Error{ErrorKind::corrupt, "PSRD in the place of a share"};
  auto pad = link->pool().take(Zone::pad, message->allocation);
  if (!pad) return pad.error();
  SecretBytes share = message->take_share(std::move(*pad));
  return Answer{link,
                *x,
                std::move(context),
                message->secret_tag,
                std::move(share),
                responder_.clock_.now() + std::min(message->lifetime, responder_.settings_.lifetime_most)};
}

void Responder::Fetching::add_cause(const HubLink& link, const std::string& cause) {
  causes_ += (causes_.empty() ? "" : "; ") + link.address().name.text() + ": " + cause;
}

// Whether so many hubs deny the bundle that the others are too few to rebuild it: those that are down may
// have it.
bool Responder::Fetching::cannot_exist() const {
  const auto& links = responder_.links_;
  const auto may_have_it = std::count_if(
      links.begin(), links.end(), [](const auto& link) { return link->state() != HubLink::State::no_psrd; });
  return static_cast<std::size_t>(may_have_it) < denied_ + responder_.settings_.least_shares_required;
}

void Responder::Fetching::decide(bool waited) {
  if (finished_ || asking_) return;
  // The newest answer is the one that can have completed a group.
  if (!answers_.empty()) rebuild(answers_.back());
  if (finished_ || (outstanding_ > 0 && !waited)) return;
  if (answers_.empty() && cannot_exist())
    return finish(Error{ErrorKind::not_found, "no such bundle (" + causes_ + ")"});
  for (const Answer& answer : answers_) {
    add_cause(*answer.link,
              tag_failed_ ? "a share that does not rebuild the bundle with the others" : "a share");
  }
  finish(Error{tag_failed_ ? ErrorKind::corrupt : ErrorKind::unavailable,
               "too few shares that fit together: " + std::to_string(answers_.size()) + " came" +
                   (tag_failed_ ? ", and they do not rebuild the bundle" : "") +
                   (causes_.empty() ? "" : " (" + causes_ + ")")});
}

void Responder::Fetching::rebuild(const Answer& example) {
  const std::size_t needed = example.context.shares_required;
  std::vector<std::size_t> group;
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (answers_[i].context == example.context && answers_[i].tag == example.tag) group.push_back(i);
  }
  if (group.size() < needed) return;
  // Hubs whose shares were wrong before come last.
  std::stable_sort(group.begin(), group.end(), [&](std::size_t a, std::size_t b) {
    return answers_[a].link->wrong_shares() < answers_[b].link->wrong_shares();
  });
  std::vector<SharePoint> points;
  points.reserve(group.size());
  for (const std::size_t i : group) points.push_back({answers_[i].x, answers_[i].share.view()});
  const Bytes context_bytes = example.context.encode();
  auto recovered = recover_checked(points, needed, example.context.hubs.size(), [&](ByteView secret) {
    return verify_secret_tag(secret.first(kSecretTagRandomSize), context_bytes,
                             secret.subspan(kSecretTagRandomSize), example.tag);
  });
  if (!recovered) {
    tag_failed_ = true;
    return;
  }
  for (const std::size_t i : group) {
    const auto& wrong = recovered->wrong;
    if (std::find(wrong.begin(), wrong.end(), answers_[i].x) == wrong.end()) verified_.push_back(i);
  }
  verified_.resize(needed);
  for (const Answer& answer : answers_) judge(answer);
  for (const auto& link : doubtful_)
    link->report_wrong_share("bundle " + bundle_.id.text() + ": a context that proved wrong");

  // A hub may lie about the time that is left. One of the k is honest, so the longest is not too short: hubs
  // that cannot keep a key back by their silence cannot do it by calling it expired either.
  MonotonicTime expires = answers_[verified_.front()].expires;
  for (const std::size_t i : verified_) expires = std::max(expires, answers_[i].expires);
  finish(FetchedBundle{example.context,
                       SecretBytes::copy_of(recovered->secret.view().subspan(kSecretTagRandomSize)),
                       expires});
}

void Responder::Fetching::judge(const Answer& answer) const {
  const Answer& good = answers_[verified_.front()];
  if (answer.context != good.context || answer.tag != good.tag) {
    answer.link->report_wrong_share("bundle " + bundle_.id.text() +
                                    ": a context or secret tag that proved wrong");
    return;
  }
  std::vector<SharePoint> points;
  for (const std::size_t i : verified_) {
    if (answers_[i].x == answer.x) return;  // the secret was rebuilt from it
    points.push_back({answers_[i].x, answers_[i].share.view()});
  }
  const auto right = evaluate_at(points, answer.x);
  if (right && !constant_time_equal(right->view(), answer.share.view())) {
    answer.link->report_wrong_share("bundle " + bundle_.id.text() + ": a share that proved wrong");
  }
}

void Responder::Fetching::finish(Result<FetchedBundle> result) {
  finished_ = true;
  Responder::Done done = std::move(done_);
  done(std::move(result));
}

}  // namespace dske
