#include "http/inbox.h"

#include <cerrno>
#include <exception>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

namespace dske::http {
namespace {

thread_local Dispatch* current_dispatch = nullptr;

}  // namespace

Result<std::shared_ptr<Inbox>> Inbox::make() {
  FileDescriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event.is_open()) return io_error("cannot make an event descriptor", errno);
  return std::shared_ptr<Inbox>(new Inbox(std::move(event)));
}

bool Inbox::post(Item& item) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return false;
    items_.push_back(std::move(item));
    if (items_.size() > 1) return true;  // the worker has been woken for the first of them
  }
  wake();
  return true;
}

void Inbox::wake() {
  // The counter cannot overflow in practice, and an interrupted write of an eventfd is restarted.
  [[maybe_unused]] const int result = ::eventfd_write(event_.get(), 1);
}

std::vector<Inbox::Item> Inbox::take() {
  eventfd_t count = 0;
  [[maybe_unused]] const int result = ::eventfd_read(event_.get(), &count);
  std::vector<Item> taken;
  const MutexLock lock(mutex_);
  taken.swap(items_);
  return taken;
}

std::vector<Inbox::Item> Inbox::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  return std::exchange(items_, {});
}

Dispatch::Dispatch(const Inbox& inbox, ConnectionId connection) : inbox_(inbox), connection_(connection) {
  current_dispatch = this;
}

Dispatch::~Dispatch() {
  current_dispatch = nullptr;
}

void ConnectionSink::send(Response response, Reply::Written written) {
  Inbox::LateAnswer answer{connection_, std::move(response), std::move(written)};
  Dispatch* dispatch = current_dispatch;
  if (dispatch != nullptr && &dispatch->inbox_ == inbox_.get() && dispatch->connection_ == connection_) {
    dispatch->answer = std::move(answer);
    return;
  }
  Inbox::Item item(std::move(answer));
  if (!inbox_->post(item)) report(std::get<Inbox::LateAnswer>(item).written, false);
}

void report(Reply::Written& written, bool whole) {
  if (!written) return;
  Reply::Written called = std::move(written);
  try {
    called(whole);
  } catch (const std::exception& error) {
    log::error("what was to follow an answer failed: {}", error.what());
  } catch (...) {
    log::error("what was to follow an answer failed");
  }
}

}  // namespace dske::http
