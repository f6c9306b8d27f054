#include "store/read_queue.h"

#include <chrono>

namespace dske::store {

ReadQueue::ReadQueue(std::unique_ptr<Database> database)
    : database_(std::move(database)), thread_([this] { work(); }) {}

ReadQueue::~ReadQueue() {
  finish();
}

void ReadQueue::finish() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void ReadQueue::work() {
  while (true) {
    auto taken = queue_.take(1, std::chrono::milliseconds(0));
    if (taken.empty()) return;
    Operation& operation = *taken.front();
    if (!operation.dropped) {
      if (const auto run_result = run(operation); !run_result) operation.refuse(run_result.error());
    }
    operation.answer();
  }
}

Result<void> ReadQueue::run(Operation& operation) {
  if (auto begun = database_->query("BEGIN").run(); !begun) return begun;
  operation.run(*database_);
  if (!database_->in_transaction()) return {};
  // Nothing was changed; what matters is that the snapshot is released.
  return database_->query("ROLLBACK").run();
}

}  // namespace dske::store
