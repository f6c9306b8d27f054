#include "store/commit_queue.h"

#include <chrono>

#include "base/fault_point.h"
#include "base/file.h"

namespace dske::store {
namespace {

constexpr std::size_t kGroupMost = 256;
// After a quiet second, once, the WAL is emptied: what has been wiped in the database has older copies there.
constexpr std::chrono::milliseconds kQuiet{1000};
constexpr std::chrono::milliseconds kForever{0};

Result<void> step(FaultPoint point, const char* doing) {
  const int fault = fault_at(point);
  if (fault == 0) return {};
  return io_error(doing, fault);
}

}  // namespace

CommitQueue::CommitQueue(std::unique_ptr<Database> database, std::unique_ptr<Witness> witness)
    : database_(std::move(database)), witness_(std::move(witness)), thread_([this] { work(); }) {}

CommitQueue::~CommitQueue() {
  finish();
}

void CommitQueue::finish() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void CommitQueue::work() {
  bool wal_in_use = true;
  while (true) {
    auto group = queue_.take(kGroupMost, wal_in_use ? kQuiet : kForever);
    if (group.empty()) {
      if (queue_.closed()) return;
      // Where it fails (a full disk), the next commit tells, and the next quiet second tries again.
      [[maybe_unused]] const auto emptied = empty_wal();
      wal_in_use = false;
      continue;
    }
    wal_in_use = true;
    if (const auto committed = commit(group); !committed) {
      for (auto& operation : group) {
        if (!operation->dropped) operation->refuse(committed.error());
      }
    }
    for (auto& operation : group) {
      pass(FaultPoint::commit_answer);
      operation->answer();
      operation.reset();
      pass(FaultPoint::commit_answered);
    }
  }
}

Result<void> CommitQueue::commit(std::vector<std::unique_ptr<Operation>>& group) {
  const auto roll_back = [&](const Error& error) -> Result<void> {
    if (database_->in_transaction()) [[maybe_unused]]
      const auto ignored = database_->execute("ROLLBACK");
    database_->forget_on_commit(0);
    return error;
  };
  if (auto fault = step(FaultPoint::commit_begin, "cannot begin a transaction"); !fault) return fault;
  if (auto begun = database_->query("BEGIN IMMEDIATE").run(); !begun) return begun;
  const auto witnessed = run_all(group);
  if (!witnessed) return roll_back(witnessed.error());
  if (auto fault = step(FaultPoint::commit_prepare, "cannot prepare a commit"); !fault)
    return roll_back(fault.error());
  if (*witnessed) {
    if (auto prepared = witness_->before_commit(*database_); !prepared) return roll_back(prepared.error());
  }
  if (auto fault = step(FaultPoint::commit_commit, "cannot commit"); !fault) return roll_back(fault.error());
  if (auto committed = database_->query("COMMIT").run(); !committed) return roll_back(committed.error());
  pass(FaultPoint::commit_committed);
  database_->run_on_commit();
  if (!*witnessed) return {};
  if (auto noted = witness_->after_commit(*database_); !noted) {
    for (auto& operation : group) {
      if (operation->witnessed && !operation->dropped) operation->refuse(noted.error());
    }
  }
  return {};
}

Result<void> CommitQueue::empty_wal() {
  if (auto fault = step(FaultPoint::checkpoint_begin, "cannot empty the log"); !fault) return fault;
  auto emptied = database_->checkpoint();
  pass(FaultPoint::checkpoint_done);
  return emptied;
}

// Whether a witnessed operation succeeded; an error if the transaction cannot go on.
Result<bool> CommitQueue::run_all(std::vector<std::unique_ptr<Operation>>& group) {
  bool witnessed = false;
  for (auto& operation : group) {
    if (operation->dropped) continue;
    if (auto marked = database_->query("SAVEPOINT operation").run(); !marked) return marked.error();
    const std::size_t tasks = database_->tasks_on_commit();
    const Error* error = operation->run(*database_);
    if (error == nullptr) {
      witnessed = witnessed || operation->witnessed;
    } else {
      database_->forget_on_commit(tasks);
      // Some errors, a full disk among them, make SQLite end the whole transaction.
      if (!database_->in_transaction()) return *error;
      if (!database_->query("ROLLBACK TO operation").run()) return *error;
    }
    if (auto released = database_->query("RELEASE operation").run(); !released) return released.error();
  }
  return witnessed;
}

}  // namespace dske::store
