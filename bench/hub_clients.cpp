#include "bench/hub_clients.h"

#include <algorithm>
#include <future>

#include "base/mutex.h"

namespace dske::bench {
namespace {

constexpr std::size_t kClientsPerLoop = 60;
constexpr std::chrono::milliseconds kBetweenFirstPolls{10};

// Counts down; answers the first error when all are done.
class Countdown {
 public:
  explicit Countdown(std::size_t count) : left_(count) {
    if (count == 0) all_done_.set_value({});
  }
  void done(const Result<void>& result) {
    const MutexLock lock(mutex_);
    if (!result && first_) first_ = result;
    if (--left_ == 0) all_done_.set_value(first_);
  }
  [[nodiscard]] Result<void> wait() { return all_done_.get_future().get(); }

 private:
  Mutex mutex_;
  std::size_t left_ GUARDED_BY(mutex_);
  Result<void> first_ GUARDED_BY(mutex_);
  std::promise<Result<void>> all_done_;
};

}  // namespace

HubClients::~HubClients() {
  loops_.clear();
}

Result<void> HubClients::add(const std::vector<std::filesystem::path>& psrd_files) {
  for (const std::filesystem::path& file : psrd_files) {
    if (clients_.size() % kClientsPerLoop == 0) loops_.push_back(http::ClientLoop::start());
    auto client = HubClient::open(file, *loops_.back());
    if (!client) return client.error();
    clients_.push_back(std::move(*client));
  }
  return {};
}

Result<std::chrono::duration<double>> HubClients::enter() {
  const auto countdown = std::make_shared<Countdown>(clients_.size() - entered_);
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t i = entered_; i < clients_.size(); ++i) {
    loops_[i / kClientsPerLoop]->post([&client = *clients_[i], countdown, i] {
      client.enter([countdown](const Result<void>& result) { countdown->done(result); });
      client.stay(i * kBetweenFirstPolls);
    });
  }
  entered_ = clients_.size();
  if (auto entered = countdown->wait(); !entered) return entered.error();
  return std::chrono::steady_clock::now() - begun;
}

}  // namespace dske::bench
