#include "hub/waiting_polls.h"

#include <utility>

namespace dske::hub {

void WaitingPolls::answer(Authenticator::Poll& poll, const Result<store::PendingShares>& shares) {
  if (!shares) return poll.answer(503, message_json(shares.error().message));
  poll.answer(200, PendingList{shares->bundles, shares->more, shares->cursor}.write());
}

void WaitingPolls::answer_nothing(Waiting& waiting) {
  answer(waiting.poll, store::PendingShares{{}, waiting.cursor, false});
}

void WaitingPolls::begin(Authenticator::Poll poll, const PendingQuestion& question) {
  const ClientName client = poll.client()->name();
  ByClient::node_type older;
  std::uint64_t number = 0;
  {
    const MutexLock lock(mutex_);
    older = waiting_.extract(client);
    if (question.wait.count() > 0 && !stopped_ && waiting_.size() < most_) {
      number = ++last_number_;
      waiting_.emplace(client, Waiting{std::move(poll), number, question.cursor, clock_.now() + question.wait,
                                       true, false});
    }
  }
  if (!older.empty()) answer_nothing(older.mapped());
  // The store is asked after the poll has begun to wait, so that no share comes in between.
  if (number > 0) return read(client, number, question.cursor);
  store_.pending(client, question.cursor, PendingList::kBundlesMost,
                 [poll = std::move(poll)](  // NOLINT(bugprone-use-after-move): moved only with a number
                     const Result<store::PendingShares>& shares) mutable { answer(poll, shares); });
}

void WaitingPolls::read(const ClientName& client, std::uint64_t number, std::uint64_t cursor) {
  store_.pending(client, cursor, PendingList::kBundlesMost,
                 [this, client, number](const Result<store::PendingShares>& shares) {
                   have_read(client, number, shares);
                 });
}

void WaitingPolls::have_read(const ClientName& client, std::uint64_t number,
                             const Result<store::PendingShares>& shares) {
  ByClient::node_type ended;
  std::uint64_t cursor = 0;
  {
    const MutexLock lock(mutex_);
    const auto found = waiting_.find(client);
    if (found == waiting_.end() || found->second.number != number) return;
    Waiting& waiting = found->second;
    const bool nothing = shares && shares->bundles.empty();
    if (nothing && !std::exchange(waiting.came_meanwhile, false)) {
      waiting.reading = false;
      return;
    }
    cursor = waiting.cursor;
    if (!nothing) ended = waiting_.extract(found);
  }
  if (!ended.empty()) return answer(ended.mapped().poll, shares);
  read(client, number, cursor);
}

void WaitingPolls::share_came(const ClientName& claimant) {
  std::uint64_t number = 0;
  std::uint64_t cursor = 0;
  {
    const MutexLock lock(mutex_);
    const auto found = waiting_.find(claimant);
    if (found == waiting_.end()) return;
    Waiting& waiting = found->second;
    if (std::exchange(waiting.reading, true)) {
      waiting.came_meanwhile = true;
      return;
    }
    number = waiting.number;
    cursor = waiting.cursor;
  }
  read(claimant, number, cursor);
}

void WaitingPolls::settle() {
  std::vector<ByClient::node_type> ended;
  {
    const MonotonicTime now = clock_.now();
    const MutexLock lock(mutex_);
    for (auto entry = waiting_.begin(); entry != waiting_.end();) {
      const auto next = std::next(entry);
      const Waiting& waiting = entry->second;
      if (stopped_ || waiting.end <= now || !waiting.poll.stands()) ended.push_back(waiting_.extract(entry));
      entry = next;
    }
  }
  for (ByClient::node_type& each : ended) answer_nothing(each.mapped());
}

void WaitingPolls::stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  settle();
}

std::size_t WaitingPolls::waiting() const {
  const MutexLock lock(mutex_);
  return waiting_.size();
}

}  // namespace dske::hub
