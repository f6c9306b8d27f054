#include <algorithm>
#include <atomic>
#include <cassert>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "http/client.h"
#include "http/client_files.h"
#include "http/curl_call.h"

namespace dske::http {
namespace {

constexpr long kConnectionsPerHostMost = 64;  // further calls wait for one of them
constexpr long kConnectionsKept = 256;
constexpr std::size_t kSpareHandlesMost = 64;
constexpr int kIdleMillisecondsMost = 60'000;
constexpr std::chrono::nanoseconds kDelayMost = std::chrono::hours(24 * 365);

class CurlLoop final : public ClientLoop {
 public:
  CurlLoop();
  ~CurlLoop() override;
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  void post(Task task) override;
  TimerId after(std::chrono::nanoseconds delay, Task task) override;
  void cancel(TimerId timer) override;
  void send(Call call, Done done) override;
  void watch_readable(int fd, std::function<void()> ready) override;

 private:
  struct CallInFlight {
    Call call;
    Done done;
    std::unique_ptr<CurlCall> curl;
  };
  using TimerKey = std::pair<MonotonicTime, TimerId>;

  void run();
  void run_posted_tasks();
  void run_due_timers();
  void finish_ended_calls();
  void wait();
  [[nodiscard]] int wait_milliseconds() const;
  void drop_everything();
  [[nodiscard]] bool on_loop_thread() const { return std::this_thread::get_id() == thread_id_; }

  CURLM* multi_ = nullptr;
  mutable Mutex mutex_;
  std::deque<Task> posted_ GUARDED_BY(mutex_);
  std::atomic<bool> stopping_{false};

  // What follows belongs to the loop's thread alone.
  std::map<TimerKey, Task> timers_;
  std::unordered_map<TimerId, MonotonicTime> timer_deadlines_;
  TimerId last_timer_ = 0;
  std::unordered_map<CURL*, CallInFlight> calls_;
  std::vector<std::unique_ptr<CurlCall>> spare_;
  ClientFiles files_;
  std::vector<curl_waitfd> watched_;
  std::deque<std::function<void()>> watchers_;  // a deque: adding one leaves the one that runs where it is

  std::thread thread_;
  std::thread::id thread_id_;  // set before the first task can be posted, never changed
};

// The loop's thread takes no signals: they belong to the thread that waits for them.
std::thread start_without_signals(const std::function<void()>& body) {
  sigset_t all{};
  sigset_t before{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(body);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

CurlLoop::CurlLoop() {
  init_curl();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) std::abort();
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, kConnectionsPerHostMost);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsKept);
  thread_ = start_without_signals([this] { run(); });
  thread_id_ = thread_.get_id();
}

CurlLoop::~CurlLoop() {
  assert(!on_loop_thread());
  stopping_ = true;
  curl_multi_wakeup(multi_);
  thread_.join();
  curl_multi_cleanup(multi_);
}

void CurlLoop::post(Task task) {
  if (stopping_) return;
  bool first = false;
  {
    const MutexLock lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  // Whoever queued the first task has woken the loop for the others too.
  if (first && !on_loop_thread()) curl_multi_wakeup(multi_);
}

EventLoop::TimerId CurlLoop::after(std::chrono::nanoseconds delay, Task task) {
  assert(on_loop_thread());
  if (stopping_) return 0;
  const MonotonicTime deadline =
      BootClock::now() + std::clamp(delay, std::chrono::nanoseconds::zero(), kDelayMost);
  const TimerId id = ++last_timer_;
  timers_.emplace(TimerKey{deadline, id}, std::move(task));
  timer_deadlines_.emplace(id, deadline);
  return id;
}

void CurlLoop::cancel(TimerId timer) {
  assert(on_loop_thread());
  const auto found = timer_deadlines_.find(timer);
  if (found == timer_deadlines_.end()) return;
  // The task is destroyed last: what it owns may call the loop.
  const auto dropped = timers_.extract(TimerKey{found->second, timer});
  timer_deadlines_.erase(found);
}

void CurlLoop::send(Call call, Done done) {
  assert(on_loop_thread());
  if (stopping_) return;
  std::unique_ptr<CurlCall> curl;
  if (spare_.empty()) {
    curl = std::make_unique<CurlCall>();
  } else {
    curl = std::move(spare_.back());
    spare_.pop_back();
  }
  CURL* const handle = curl->handle();
  const auto placed =
      calls_.emplace(handle, CallInFlight{std::move(call), std::move(done), std::move(curl)}).first;
  CallInFlight& in_flight = placed->second;
  const auto oldest = in_flight.call.tls
                          ? files_.oldest_connection(*in_flight.call.tls, std::chrono::steady_clock::now())
                          : std::nullopt;
  auto begun = in_flight.curl->begin(in_flight.call, oldest);
  if (begun && curl_multi_add_handle(multi_, handle) != CURLM_OK) {
    begun = Error{ErrorKind::internal, "libcurl does not take the call"};
  }
  if (begun) return;
  post([done = std::move(in_flight.done), error = begun.error()]() mutable { done(error); });
  spare_.push_back(std::move(in_flight.curl));
  calls_.erase(placed);
}

void CurlLoop::watch_readable(int fd, std::function<void()> ready) {
  assert(on_loop_thread());
  if (stopping_) return;
  watched_.push_back({fd, CURL_WAIT_POLLIN, 0});
  watchers_.push_back(std::move(ready));
}

void CurlLoop::run() {
  while (!stopping_) {
    run_posted_tasks();
    run_due_timers();
    int running = 0;
    curl_multi_perform(multi_, &running);
    finish_ended_calls();
    if (!stopping_) wait();
  }
  drop_everything();
}

void CurlLoop::run_posted_tasks() {
  std::deque<Task> batch;
  {
    const MutexLock lock(mutex_);
    batch.swap(posted_);
  }
  for (; !batch.empty() && !stopping_; batch.pop_front()) batch.front()();
}

void CurlLoop::run_due_timers() {
  if (timers_.empty()) return;
  const MonotonicTime now = BootClock::now();
  while (!stopping_ && !timers_.empty() && timers_.begin()->first.first <= now) {
    auto due = timers_.extract(timers_.begin());
    timer_deadlines_.erase(due.key().second);
    due.mapped()();
  }
}

void CurlLoop::finish_ended_calls() {
  int left = 0;
  while (!stopping_) {
    const CURLMsg* const message = curl_multi_info_read(multi_, &left);
    if (message == nullptr) return;
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const handle = message->easy_handle;
    const CURLcode code = message->data.result;
    curl_multi_remove_handle(multi_, handle);  // `message` is gone from here on
    auto ended = calls_.extract(handle);
    CallInFlight& in_flight = ended.mapped();
    Result<Answer> answer = in_flight.curl->finish(code);
    if (spare_.size() < kSpareHandlesMost) spare_.push_back(std::move(in_flight.curl));
    in_flight.done(std::move(answer));
  }
}

int CurlLoop::wait_milliseconds() const {
  {
    const MutexLock lock(mutex_);
    if (!posted_.empty()) return 0;
  }
  if (timers_.empty()) return kIdleMillisecondsMost;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - BootClock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kIdleMillisecondsMost));
}

void CurlLoop::wait() {
  for (curl_waitfd& fd : watched_) fd.revents = 0;
  // Cut short by curl_multi_wakeup(), and by what libcurl itself has to do.
  curl_multi_poll(multi_, watched_.data(), static_cast<unsigned>(watched_.size()), wait_milliseconds(),
                  nullptr);
  const std::size_t count = watched_.size();
  for (std::size_t i = 0; i < count && !stopping_; ++i) {
    if (watched_[i].revents != 0) watchers_[i]();
  }
}

// What callbacks own may call the loop from its destructor, so nothing is destroyed inside a member.
void CurlLoop::drop_everything() {
  for (auto& [handle, in_flight] : calls_) curl_multi_remove_handle(multi_, handle);
  const auto calls = std::exchange(calls_, {});
  const auto timers = std::exchange(timers_, {});
  timer_deadlines_.clear();
  const auto watchers = std::exchange(watchers_, {});
  spare_.clear();
  std::deque<Task> posted;
  const MutexLock lock(mutex_);
  posted.swap(posted_);
}

}  // namespace

std::unique_ptr<ClientLoop> ClientLoop::start() {
  return std::make_unique<CurlLoop>();
}

}  // namespace dske::http
