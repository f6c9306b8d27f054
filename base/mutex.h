// A mutex whose protected members the compiler knows: clang checks GUARDED_BY, other compilers ignore it.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define DSKE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define DSKE_THREAD_ANNOTATION(x)
#endif
#define GUARDED_BY(mutex) DSKE_THREAD_ANNOTATION(guarded_by(mutex))
#define REQUIRES_LOCK(mutex) DSKE_THREAD_ANNOTATION(requires_capability(mutex))

namespace dske {

class DSKE_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() DSKE_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() DSKE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class DSKE_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DSKE_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() DSKE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits on a Mutex that the caller holds.
class ConditionVariable {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

  void wait(Mutex& mutex) REQUIRES_LOCK(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  /// Returns false when `duration` passed without a notification.
  template <class Duration>
  bool wait_for(Mutex& mutex, Duration duration) REQUIRES_LOCK(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool notified = condition_.wait_for(lock, duration) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace dske
