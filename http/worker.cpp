#include "http/worker.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "http/peer_address.h"

namespace dske::http {
namespace {

namespace px = Pistache;
using px::Polling::NotifyOn;

constexpr std::size_t kBufferBytes = 16 * 1024;
/// So many connections are taken in, or ended by their deadlines, before those that have something to say
/// have their turn again: crowds come, and their time runs out, at the same moment.
constexpr int kCrowdPerTurn = 16;
/// Connections are numbered upwards from where no descriptor's number reaches, since the reactor's own tag is
/// one.
constexpr ConnectionId kFirstConnection = ConnectionId{1} << 32;
constexpr ConnectionId kInboxTag = kFirstConnection - 1;
constexpr ConnectionId kTimerTag = kFirstConnection - 2;

std::atomic<ConnectionId> next_connection{kFirstConnection};

/// Pistache wants a handler for its transport's own events, of which there are none here.
class UnusedHandler final : public px::Tcp::Handler {
 public:
  void onInput(const char* /*bytes*/, std::size_t /*size*/,
               const std::shared_ptr<px::Tcp::Peer>& /*peer*/) override {}
  std::shared_ptr<px::Tcp::Handler> clone() const override { return std::make_shared<UnusedHandler>(); }
};

std::array<std::chrono::milliseconds, kWaits> durations(const ServerLimits& limits) {
  std::array<std::chrono::milliseconds, kWaits> durations{};
  const auto set = [&](Wait wait, std::chrono::milliseconds time) {
    durations[static_cast<std::size_t>(wait)] = time;
  };
  set(Wait::handshake, limits.handshake_timeout);
  set(Wait::head, limits.head_timeout);
  set(Wait::body, limits.body_timeout);
  set(Wait::keep_alive, limits.keep_alive_timeout);
  set(Wait::write, limits.write_timeout);
  set(Wait::linger, limits.linger_timeout);
  return durations;
}

}  // namespace

Worker::Worker(std::shared_ptr<const WorkerSettings> settings)
    : Transport(std::make_shared<UnusedHandler>()),
      settings_(std::move(settings)),
      deadlines_(durations(settings_->limits)) {}

Worker::~Worker() {
  if (!inbox_) return;
  for (Inbox::Item& item : inbox_->close()) {
    if (auto* answer = std::get_if<Inbox::LateAnswer>(&item)) report(answer->written, false);
  }
}

std::shared_ptr<px::Aio::Handler> Worker::clone() const {
  return std::make_shared<Worker>(settings_);
}

void Worker::registerPoller(px::Polling::Epoll& poller) {
  auto inbox = Inbox::make();
  if (!inbox) throw std::runtime_error(inbox.error().message);
  inbox_ = std::move(*inbox);
  timer_ = FileDescriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer_.is_open()) throw std::runtime_error("cannot make a timer descriptor");
  auto router = Router::make(settings_->routes, settings_->limits.request_head_bytes);
  if (!router) throw std::runtime_error(router.error().message);
  router_ = std::move(*router);
  around_ = std::make_unique<Surroundings>(Surroundings{settings_->server_name,
                                                        settings_->limits,
                                                        *router_,
                                                        deadlines_,
                                                        log_budget_,
                                                        certificate_log_budget_,
                                                        *settings_->handshakes,
                                                        settings_->tls.get(),
                                                        inbox_,
                                                        SecretBytes(kBufferBytes),
                                                        SecretBytes(kBufferBytes),
                                                        {},
                                                        {},
                                                        {},
                                                        {},
                                                        false});
  const px::Flags<NotifyOn> read(NotifyOn::Read);
  poller.addFd(inbox_->descriptor(), read, px::Polling::Tag(kInboxTag));
  poller.addFd(timer_.get(), read, px::Polling::Tag(kTimerTag));
}

void Worker::onReady(const px::Aio::FdSet& events) {
  // Nothing may be thrown into the reactor: it would end the process.
  try {
    tell_time();
    const std::vector<ConnectionId> unfinished = std::exchange(unfinished_, {});
    for (const auto& event : events) take_event(event);
    for (const ConnectionId id : unfinished) advance(id);
    adopt_some();
    make_room();
    pass_deadlines();
    if (!unfinished_.empty() || !arrivals_.empty()) inbox_->wake();
    if (around_->stopping && guests_.empty() && arrivals_.empty()) finish_stopping();
    arm_timer();
  } catch (const std::exception& error) {
    log::error("{}: a worker met an unexpected error: {}", settings_->server_name, error.what());
  }
}

void Worker::tell_time() {
  around_->now = Deadlines::Clock::now();
  around_->wall = std::chrono::system_clock::now();
  const std::time_t second = std::chrono::system_clock::to_time_t(around_->wall);
  if (second == date_second_) return;
  date_second_ = second;
  around_->date = http_date(second);
}

void Worker::take_event(const px::Aio::FdSet::Entry& event) {
  const ConnectionId id = event.getTag().value();
  if (id == kInboxTag) return empty_inbox();
  if (id == kTimerTag) {
    std::uint64_t expirations = 0;
    [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &expirations, sizeof expirations);
    timer_set_to_ = {};
    return;
  }
  const auto guest = guests_.find(id);
  if (guest == guests_.end()) return;
  if (event.isHangup()) {
    guest->second.connection->note_hang_up();
  } else {
    guest->second.connection->note_ready();
  }
  advance(id);
}

void Worker::empty_inbox() {
  for (Inbox::Item& item : inbox_->take()) {
    if (auto* arrival = std::get_if<Inbox::NewConnection>(&item)) {
      arrivals_.push_back(std::move(*arrival));
    } else if (auto* answer = std::get_if<Inbox::LateAnswer>(&item)) {
      deliver(*answer);
    } else {
      start_stopping(std::get<Inbox::Stop>(item));
    }
  }
}

void Worker::adopt_some() {
  for (int i = 0; i < kCrowdPerTurn && !arrivals_.empty(); ++i) {
    adopt(arrivals_.front());
    arrivals_.pop_front();
  }
}

void Worker::adopt(Inbox::NewConnection& arrival) {
  if (around_->stopping) {
    --inbox_->connections;
    return;
  }
  const ConnectionId id = next_connection.fetch_add(1, std::memory_order_relaxed);
  const int fd = arrival.socket.get();
  const Deadlines::Handle deadline = deadlines_.add(id);
  try {
    auto connection = std::make_unique<Connection>(
        id, fd, numeric_address(arrival.address), std::move(arrival.place), deadline,
        settings_->tls ? Connection::Protocol::tls : Connection::Protocol::plain);
    const auto address = px::Address::fromUnix(reinterpret_cast<sockaddr*>(&arrival.address));
    const auto peer = px::Tcp::Peer::Create(fd, address);
    reactor()->registerFd(key(), fd, NotifyOn::Read | NotifyOn::Write | NotifyOn::Shutdown,
                          px::Polling::Tag(id), px::Polling::Mode::Edge);
    peers.emplace(fd, peer);
    [[maybe_unused]] const int owned_by_peers = arrival.socket.release();
    guests_.emplace(id, Guest{std::move(connection), peer});
  } catch (const std::exception& error) {
    log::error("{}: a connection cannot be served: {}", settings_->server_name, error.what());
    deadlines_.remove(deadline);
    --inbox_->connections;
    return;
  }
  advance(id);
}

void Worker::make_room() {
  const bool tls = settings_->tls != nullptr;
  for (std::size_t wanted = inbox_->room_wanted.exchange(0); wanted > 0; --wanted) {
    // Over TLS only those that have not shown a certificate; anybody's connections are alike without it.
    auto longest = deadlines_.longest(tls ? Wait::handshake : Wait::head);
    if (!longest && !tls) longest = deadlines_.longest(Wait::keep_alive);
    if (!longest) return;
    guests_.at(*longest).connection->note_crowd(*around_);
    advance(*longest);
  }
}

void Worker::deliver(Inbox::LateAnswer& answer) {
  const auto guest = guests_.find(answer.connection);
  if (guest == guests_.end()) return report(answer.written, false);
  guest->second.connection->give_answer(std::move(answer.response), std::move(answer.written), *around_);
  advance(answer.connection);
}

void Worker::start_stopping(const Inbox::Stop& stop) {
  around_->stopping = true;
  stop_deadline_ = stop.deadline;
  std::vector<ConnectionId> ids;
  for (const auto& [id, guest] : guests_) {
    guest.connection->note_ready();
    ids.push_back(id);
  }
  for (const ConnectionId id : ids) advance(id);
}

void Worker::pass_deadlines() {
  int passed = 0;
  for (auto next = deadlines_.next(); next && next->time <= around_->now; next = deadlines_.next()) {
    if (++passed > kCrowdPerTurn) {
      inbox_->wake();
      break;
    }
    guests_.at(next->connection).connection->note_deadline(next->wait, *around_);
    advance(next->connection);
  }
  auto& delayed = around_->delayed;
  while (!delayed.empty() && delayed.begin()->first <= around_->now) {
    const ConnectionId id = delayed.begin()->second;
    delayed.erase(delayed.begin());
    advance(id);
  }
  if (!around_->stopping || around_->now < stop_deadline_) return;
  while (!guests_.empty()) remove(guests_.begin()->first);
}

void Worker::arm_timer() {
  Deadlines::Time next = Deadlines::Time::max();
  if (const auto deadline = deadlines_.next()) next = deadline->time;
  if (!around_->delayed.empty()) next = std::min(next, around_->delayed.begin()->first);
  if (around_->stopping && !guests_.empty()) next = std::min(next, stop_deadline_);
  // One that comes too early costs less than setting it anew with every request.
  if (next == Deadlines::Time::max() || (timer_set_to_ != Deadlines::Time() && timer_set_to_ <= next)) return;
  timer_set_to_ = next;
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(next.time_since_epoch()).count();
  itimerspec spec{};
  spec.it_value.tv_sec = nanoseconds / 1'000'000'000;
  spec.it_value.tv_nsec = nanoseconds % 1'000'000'000;
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void Worker::advance(ConnectionId id) {
  const auto guest = guests_.find(id);
  if (guest == guests_.end()) return;
  Connection::Outcome outcome = Connection::Outcome::finished;
  try {
    outcome = guest->second.connection->advance(*around_);
  } catch (const std::exception& error) {
    log::error("{}: a connection failed: {}", settings_->server_name, error.what());
  }
  if (outcome == Connection::Outcome::finished) remove(id);
  if (outcome == Connection::Outcome::more) unfinished_.push_back(id);
}

void Worker::remove(ConnectionId id) {
  const auto position = guests_.find(id);
  Guest guest = std::move(position->second);
  guests_.erase(position);
  guest.connection->end();
  deadlines_.remove(guest.connection->deadline());
  removePeer(guest.peer);
  --inbox_->connections;
}

void Worker::finish_stopping() {
  for (Inbox::Item& item : inbox_->close()) {
    if (auto* answer = std::get_if<Inbox::LateAnswer>(&item)) report(answer->written, false);
    if (std::holds_alternative<Inbox::NewConnection>(item)) --inbox_->connections;
  }
  const MutexLock lock(stopped_mutex_);
  stopped_ = true;
  stopped_condition_.notify_all();
}

void Worker::wait_until_stopped() {
  const MutexLock lock(stopped_mutex_);
  while (!stopped_) stopped_condition_.wait(stopped_mutex_);
}

}  // namespace dske::http
