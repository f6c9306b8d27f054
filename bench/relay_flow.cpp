#include "bench/relay_flow.h"

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace dske::bench {
namespace {

constexpr std::uint32_t kKeyBytes = 32;

// Keeps the load in flight; owned by the callbacks.
class Flow : public std::enable_shared_from_this<Flow> {
 public:
  Flow(RelayEnds& ends, const RelayLoad& load) : ends_(ends), load_(load) {}

  Result<double> run() {
    const auto begun = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < load_.in_flight; ++i) next();
    const Result<void> result = finished_.get_future().get();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (!result) return result.error();
    return took.count();
  }

 private:
  void next() {
    {
      const MutexLock lock(mutex_);
      if (begun_ == load_.bundles || error_) return;
      ++begun_;
    }
    BundleRequest request;
    request.master = *SaeId::parse("carol");
    request.slaves = {*SaeId::parse("celia")};
    request.key_count = static_cast<std::uint32_t>(load_.bundle_bytes / kKeyBytes);
    request.key_size_bytes = kKeyBytes;
    ends_.establish(std::move(request), [self = shared_from_this()](BundleResult bundle) {
      if (!bundle) return self->ended(Error(bundle.error()));
      self->ends_.receive(std::move(*bundle), [self](Result<void> held) { self->ended(std::move(held)); });
    });
  }

  void ended(Result<void> result) {
    std::optional<Result<void>> outcome;  // of the last one
    {
      const MutexLock lock(mutex_);
      ++ended_;
      if (!result && !error_) error_ = result.error();
      if (ended_ == begun_ && (begun_ == load_.bundles || error_))
        outcome = error_ ? Result<void>(*error_) : Result<void>();
    }
    if (!outcome) return next();
    finished_.set_value(std::move(*outcome));
  }

  RelayEnds& ends_;
  const RelayLoad load_;
  std::promise<Result<void>> finished_;
  Mutex mutex_;
  std::uint64_t begun_ GUARDED_BY(mutex_) = 0;
  std::uint64_t ended_ GUARDED_BY(mutex_) = 0;
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace

Result<double> relay_bundles(RelayEnds& ends, const RelayLoad& load) {
  return std::make_shared<Flow>(ends, load)->run();
}

}  // namespace dske::bench
