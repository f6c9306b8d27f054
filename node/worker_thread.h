// A thread for work that waits for the disk, so that no reactor and no event loop does.
#pragma once

#include <deque>
#include <thread>

#include "base/mutex.h"
#include "base/unique_function.h"

namespace dske::node {

/// Runs tasks one after the other. Thread-safe. Its destructor drops tasks that have not begun.
class WorkerThread {
 public:
  WorkerThread();
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  /// Answers false, and drops the task, when too many are waiting already.
  bool submit(Task task);

 private:
  void run();

  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Task> tasks_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace dske::node
