// One piece of work for a store's thread, and the answer that it gives.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "base/unique_function.h"
#include "store/database.h"

namespace dske::store {

/// Run once, or refused; answered once.
class Operation {
 public:
  Operation() = default;
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  /// Does the work and keeps its outcome for answer(). Returns the error, if it is one; it lives as long as
  /// the operation or until refuse().
  virtual const Error* run(Database& database) = 0;
  /// Makes `error` the outcome. Work that has not been done is dropped.
  virtual void refuse(Error error) = 0;
  virtual void answer() = 0;

  /// Refused before it was run.
  bool dropped = false;
  /// See CommitQueue::Witness.
  bool witnessed = false;
};

template <class T>
using Answer = UniqueFunction<void(Result<T>)>;

template <class T, class Work>
class WorkOperation final : public Operation {
 public:
  WorkOperation(Work work, Answer<T> done) : work_(std::move(work)), done_(std::move(done)) {}

  const Error* run(Database& database) override {
    outcome_.emplace((*work_)(database));
    work_.reset();  // what it held is secret, often
    return *outcome_ ? nullptr : &outcome_->error();
  }
  void refuse(Error error) override {
    work_.reset();
    outcome_.emplace(std::move(error));
  }
  void answer() override { done_(std::move(*outcome_)); }

 private:
  std::optional<Work> work_;
  std::optional<Result<T>> outcome_;
  Answer<T> done_;
};

/// `work` is called with a Database& and returns a Result<T>; `done` gets what it returned.
template <class T, class Work>
[[nodiscard]] std::unique_ptr<Operation> make_operation(Work work, Answer<T> done) {
  return std::make_unique<WorkOperation<T, Work>>(std::move(work), std::move(done));
}

}  // namespace dske::store
