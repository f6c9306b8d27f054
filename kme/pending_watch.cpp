#include "kme/pending_watch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dske::kme {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kTick{250};  // how soon a registration is noticed
constexpr seconds kFromTheBeginning{10};
constexpr seconds kFromTheBeginningOfMuch{60};
// What comes meanwhile is in the next answer; a hub that invents bundles is not asked more often than that.
constexpr milliseconds kAfterNews{20};
constexpr milliseconds kPauseLeast{100};
constexpr milliseconds kPauseMost{10'000};

}  // namespace

void PendingWatch::start() {
  std::erase_if(hubs_, [&](const auto& hub) {
    return std::none_of(links_.begin(), links_.end(),
                        [&](const auto& link) { return link->address().id == hub.first; });
  });
  for (const auto& link : std::vector(links_)) ask(link);
  loop_.after(kTick, [this] { start(); });
}

void PendingWatch::ask(const std::shared_ptr<HubLink>& link) {
  if (!link->registered()) return;
  Hub& hub = hubs_[link->address().id];
  const MonotonicTime now = clock_.now();
  if (hub.asking || now < hub.next) return;
  if (hub.registration != link->registration_number() || now >= hub.from_the_beginning) {
    hub.registration = link->registration_number();
    hub.cursor = 0;
    hub.from_the_beginning = now + kFromTheBeginning;
  }
  const auto wait = std::chrono::ceil<seconds>(hub.from_the_beginning - now);
  const PendingQuestion question{hub.cursor, std::clamp(wait, seconds(1), kFromTheBeginning)};
  hub.asking = true;
  link->poll(question, [this, link, question, now](const Result<HubReply>& reply) {
    answered(link, question, now, reply);
  });
}

void PendingWatch::answered(const std::shared_ptr<HubLink>& link, const PendingQuestion& question,
                            MonotonicTime asked, const Result<HubReply>& reply) {
  const auto found = hubs_.find(link->address().id);
  if (found == hubs_.end()) return;
  Hub& hub = found->second;
  hub.asking = false;
  milliseconds pause{0};
  auto list = reply && reply->status == 200 ? PendingList::parse(reply->body.text())
                                            : Result<PendingList>(Error{ErrorKind::unavailable, "no list"});
  if (!list) {
    if (reply) log::debug("hub {}: pending list: {}", link->address().name.text(), list.error().message);
    pause = longer_pause(hub);
  } else {
    take(hub, link, question, asked, *list);
    pause = hub.pause.count() > 0 ? hub.pause : list->bundles.empty() ? milliseconds(0) : kAfterNews;
  }
  hub.next = clock_.now() + pause;
  loop_.after(pause, [this, link] {
    // It may have been set aside meanwhile.
    if (std::find(links_.begin(), links_.end(), link) != links_.end()) ask(link);
  });
}

void PendingWatch::take(Hub& hub, const std::shared_ptr<HubLink>& link, const PendingQuestion& question,
                        MonotonicTime asked, const PendingList& list) {
  if (list.bundles.empty()) {
    // It did not wait: it is stopping, or too many polls wait there.
    if (clock_.now() - asked < question.wait / 2) {
      longer_pause(hub);
    } else {
      hub.pause = milliseconds(0);
    }
    return;
  }
  if (list.cursor > question.cursor) {
    hub.cursor = list.cursor;
    hub.pause = milliseconds(0);
  } else {
    longer_pause(hub);
  }
  if (list.more) hub.from_the_beginning = std::max(hub.from_the_beginning, asked + kFromTheBeginningOfMuch);
  listed_(link, list.bundles);
}

milliseconds PendingWatch::longer_pause(Hub& hub) {
  hub.pause = std::clamp(2 * hub.pause, kPauseLeast, kPauseMost);
  return hub.pause;
}

}  // namespace dske::kme
