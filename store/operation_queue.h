// What waits for a store's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "store/operation.h"

namespace dske::store {

/// A bounded first-in first-out queue between any number of submitters and one worker. Thread-safe.
class OperationQueue {
 public:
  /// Refuses operations beyond `most` that wait.
  explicit OperationQueue(std::size_t most) : most_(most) {}

  /// Never blocks. With a full queue the operation is refused (ErrorKind::exhausted): its work is dropped at
  /// once, its answer comes in its turn. After close() it is refused (ErrorKind::unavailable) and answered at
  /// once.
  void submit(std::unique_ptr<Operation> operation);

  /// Waits for operations and takes up to `most` of them. Returns none after `idle` has passed without any
  /// (forever if it is zero), or if the queue is closing and empty; then it is closed.
  [[nodiscard]] std::vector<std::unique_ptr<Operation>> take(std::size_t most,
                                                             std::chrono::milliseconds idle);

  /// Makes take() return none, once the queue is empty.
  void close();
  [[nodiscard]] bool closed() const;

 private:
  const std::size_t most_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::deque<std::unique_ptr<Operation>> waiting_ GUARDED_BY(mutex_);
  std::size_t runnable_ GUARDED_BY(mutex_) = 0;  ///< of those that wait, how many are not refused
  bool closing_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace dske::store
