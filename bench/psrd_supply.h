// Keeps KMEs in PSRD while a benchmark spends it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "manager/network.h"

namespace dske::bench {

/// A thread that looks at the KMEs' PSRD every half second. When a zone holds less than a quarter of a
/// block's half, it has the hub make a block and the KME ingest it, through their management interfaces as
/// `dske-manager provision` does; the block's halves and zones are as large as what is scarce asks.
class PsrdSupply {
 public:
  /// Returns when nothing is scarce any more. `network` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<PsrdSupply>> start(const manager::Network& network,
                                                                 std::vector<manager::Node> kmes,
                                                                 std::int64_t block_bytes);
  ~PsrdSupply();
  PsrdSupply(const PsrdSupply&) = delete;
  PsrdSupply& operator=(const PsrdSupply&) = delete;

  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  /// What went wrong first, empty if nothing did.
  [[nodiscard]] std::string first_error() const;

 private:
  PsrdSupply(const manager::Network& network, std::vector<manager::Node> kmes, std::int64_t block_bytes);
  /// One look at all of them.
  [[nodiscard]] Result<void> top_up();
  void run();

  const manager::Network& network_;
  const std::vector<manager::Node> kmes_;
  const std::int64_t block_bytes_;
  std::atomic<std::size_t> blocks_ = 0;
  std::atomic<bool> stop_ = false;
  mutable Mutex mutex_;
  std::string first_error_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace dske::bench
