#include "store/operation_queue.h"

#include <utility>

namespace dske::store {

void OperationQueue::submit(std::unique_ptr<Operation> operation) {
  {
    const MutexLock lock(mutex_);
    if (!closed_) {
      if (runnable_ < most_) {
        ++runnable_;
      } else {
        operation->refuse({ErrorKind::exhausted, "too much waits for the disk"});
        operation->dropped = true;
      }
      waiting_.push_back(std::move(operation));
      if (waiting_.size() == 1) changed_.notify_one();
      return;
    }
  }
  operation->refuse({ErrorKind::unavailable, "the store is closed"});
  operation->answer();
}

std::vector<std::unique_ptr<Operation>> OperationQueue::take(std::size_t most,
                                                             std::chrono::milliseconds idle) {
  std::vector<std::unique_ptr<Operation>> taken;
  const MutexLock lock(mutex_);
  while (waiting_.empty()) {
    if (closing_) {
      closed_ = true;
      return taken;
    }
    if (idle.count() == 0) {
      changed_.wait(mutex_);
    } else if (!changed_.wait_for(mutex_, idle)) {
      return taken;
    }
  }
  while (!waiting_.empty() && taken.size() < most) {
    if (!waiting_.front()->dropped) --runnable_;
    taken.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return taken;
}

void OperationQueue::close() {
  const MutexLock lock(mutex_);
  closing_ = true;
  changed_.notify_one();
}

bool OperationQueue::closed() const {
  const MutexLock lock(mutex_);
  return closed_;
}

}  // namespace dske::store
