// The reader thread: reads do not wait for commits.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "store/operation_queue.h"

namespace dske::store {

/// Owns a read-only connection and the one thread that uses it. Each operation sees one state of the
/// database: at least everything whose commit was answered before it was submitted. submit() is thread-safe.
class ReadQueue {
 public:
  static constexpr std::size_t kWaitingMost = 4096;

  explicit ReadQueue(std::unique_ptr<Database> database);
  /// As finish().
  ~ReadQueue();
  ReadQueue(const ReadQueue&) = delete;
  ReadQueue& operator=(const ReadQueue&) = delete;

  /// `work(Database&)` returns a Result<T>.
  template <class T, class Work>
  void submit(Work work, Answer<T> done) {
    queue_.submit(make_operation<T>(std::move(work), std::move(done)));
  }

  /// As CommitQueue::finish().
  void finish();

 private:
  void work();
  Result<void> run(Operation& operation);

  std::unique_ptr<Database> database_;
  OperationQueue queue_{kWaitingMost};
  std::thread thread_;
};

}  // namespace dske::store
