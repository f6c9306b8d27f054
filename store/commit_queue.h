// The writer thread: many operations share one commit.
#pragma once

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "store/operation_queue.h"

namespace dske::store {

/// Owns the writing connection and the one thread that uses it. It takes what is queued, runs each operation
/// in a savepoint of one transaction, commits once, then answers in the order of submission. An operation
/// that fails leaves nothing behind and does not disturb the others; if the commit fails, all of its
/// operations get the error and nothing of them is done. submit() is thread-safe. Answers should be quick
/// (the next commit waits for them) and may submit further operations.
class CommitQueue {
 public:
  /// Something that has to become durable together with certain operations, outside the database.
  class Witness {
   public:
    virtual ~Witness() = default;
    /// Called within a transaction in which a witnessed operation succeeded, before it is committed.
    virtual Result<void> before_commit(Database& database) = 0;
    /// Called after that commit. If it fails, the witnessed operations are answered with the error although
    /// the database has them: a later call must be able to repeat them.
    virtual Result<void> after_commit(Database& database) = 0;
  };

  /// Operations that wait for a commit beyond this are refused with ErrorKind::exhausted.
  static constexpr std::size_t kWaitingMost = 4096;

  CommitQueue(std::unique_ptr<Database> database, std::unique_ptr<Witness> witness);
  /// As finish().
  ~CommitQueue();
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  /// `work(Database&)` returns a Result<T>. It runs on the writer thread.
  template <class T, class Work>
  void submit(Work work, Answer<T> done) {
    queue_.submit(make_operation<T>(std::move(work), std::move(done)));
  }
  template <class T, class Work>
  void submit_witnessed(Work work, Answer<T> done) {
    auto operation = make_operation<T>(std::move(work), std::move(done));
    operation->witnessed = true;
    queue_.submit(std::move(operation));
  }

  /// Returns when everything submitted has been answered, also what answers submitted meanwhile. What comes
  /// later is refused. Not to be called from an answer.
  void finish();

 private:
  void work();
  Result<void> commit(std::vector<std::unique_ptr<Operation>>& group);
  Result<void> empty_wal();
  Result<bool> run_all(std::vector<std::unique_ptr<Operation>>& group);

  std::unique_ptr<Database> database_;
  std::unique_ptr<Witness> witness_;
  OperationQueue queue_{kWaitingMost};
  std::thread thread_;
};

}  // namespace dske::store
