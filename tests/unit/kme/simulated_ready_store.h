// A store of ready keys in memory, which survives the key store that uses it, as a disk survives a process.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "dske/simulated_loop.h"
#include "kme/key_store.h"

namespace dske::kme::test {

/// Each call takes effect after `work`, in the order of the calls, and is answered after as long again. Both
/// happen on the loop: what the loop drops has not happened.
class SimulatedReadyStore final : public ReadyStore {
 public:
  SimulatedReadyStore(dske::test::SimulatedLoop& loop, const Clock& clock) : loop_(loop), clock_(clock) {}

  std::chrono::nanoseconds work{std::chrono::milliseconds(1)};
  /// What calls fail with from now on.
  std::optional<Error> failure;
  /// Leases take effect and are answered with the failure all the same, as when the marker cannot be written.
  bool fails_after_the_fact = false;
  int leases = 0;

  void add_ready(store::ReadyBundle bundle, Answer<void> done) override {
    run<void>(std::move(done), [this, bundle = std::move(bundle)]() mutable {
      const BundleId id = bundle.entry.id;
      rows_[id] = {bundle.entry, std::move(bundle.keys)};
      return Result<void>();
    });
  }

  void lease_ready(std::vector<store::ReadyLease> wanted,
                   Answer<std::vector<store::ReadyLeased>> done) override {
    ++leases;
    run<std::vector<store::ReadyLeased>>(std::move(done), [this, wanted = std::move(wanted)] {
      std::vector<store::ReadyLeased> answers;
      for (const store::ReadyLease& lease : wanted) answers.push_back(take(lease));
      return Result<std::vector<store::ReadyLeased>>(std::move(answers));
    });
  }

  void return_ready(std::vector<store::ReadyReturn> returns, Answer<void> done) override {
    run<void>(std::move(done), [this, returns = std::move(returns)] {
      for (const store::ReadyReturn& back : returns) {
        const auto found = rows_.find(back.bundle);
        if (found == rows_.end()) continue;
        Row& row = found->second;
        if (back.keys.size() != std::size_t{row.entry.first - back.first} * row.entry.key_size_bytes)
          return Result<void>(invalid("returned keys do not join"));
        SecretBytes keys = back.keys.clone();
        keys.append(row.keys.view());
        row.keys = std::move(keys);
        row.entry.first = back.first;
      }
      return Result<void>();
    });
  }

  void drop_ready(std::vector<BundleId> bundles, Answer<void> done) override {
    run<void>(std::move(done), [this, bundles = std::move(bundles)] {
      for (const BundleId& bundle : bundles) rows_.erase(bundle);
      return Result<void>();
    });
  }

  /// What the next start finds.
  [[nodiscard]] std::vector<store::ReadyEntry> entries() {
    std::erase_if(rows_,
                  [](const auto& row) { return row.second.entry.first == row.second.entry.key_count; });
    std::vector<store::ReadyEntry> all;
    for (const auto& [id, row] : rows_) all.push_back(row.entry);
    return all;
  }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }

 private:
  struct Row {
    store::ReadyEntry entry;
    SecretBytes keys;
  };

  store::ReadyLeased take(const store::ReadyLease& lease) {
    const auto found = rows_.find(lease.bundle);
    if (found == rows_.end() || lease.end <= found->second.entry.first) return {lease.end, {}};
    Row& row = found->second;
    const std::size_t size = std::size_t{lease.end - row.entry.first} * row.entry.key_size_bytes;
    store::ReadyLeased leased{row.entry.first, SecretBytes::copy_of(row.keys.view().first(size))};
    row.keys = SecretBytes::copy_of(row.keys.view().subspan(size));
    row.entry.first = lease.end;
    return leased;
  }

  template <class T, class Work>
  void run(Answer<T> done, Work task) {
    ready_at_ = std::max(ready_at_, clock_.now()) + work;
    loop_.after(ready_at_ - clock_.now(), [this, done = std::move(done), task = std::move(task)]() mutable {
      Result<T> result = failure && !fails_after_the_fact ? Result<T>(*failure) : task();
      if (failure && fails_after_the_fact) result = *failure;
      loop_.after(
          work, [done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    });
  }

  dske::test::SimulatedLoop& loop_;
  const Clock& clock_;
  MonotonicTime ready_at_;
  std::map<BundleId, Row> rows_;
};

}  // namespace dske::kme::test
