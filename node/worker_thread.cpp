#include "node/worker_thread.h"

#include <utility>

namespace dske::node {
namespace {

constexpr std::size_t kTasksMost = 1024;

}  // namespace

WorkerThread::WorkerThread() : thread_([this] { run(); }) {}

WorkerThread::~WorkerThread() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool WorkerThread::submit(Task task) {
  {
    const MutexLock lock(mutex_);
    if (stopping_ || tasks_.size() >= kTasksMost) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void WorkerThread::run() {
  while (true) {
    Task task;
    {
      const MutexLock lock(mutex_);
      while (tasks_.empty() && !stopping_) changed_.wait(mutex_);
      if (stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace dske::node
