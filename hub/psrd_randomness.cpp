#include "hub/psrd_randomness.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"

namespace dske::hub {
namespace {

constexpr std::size_t kMixedAtOnce = std::size_t{64} << 10;

}  // namespace

PsrdRandomness::PsrdRandomness(Randomness& system, const NoiseSourceConfig& config,
                               const std::filesystem::path& state_dir)
    : system_(system) {
  if (config.source.empty()) return;
  source_ = std::make_unique<NoiseSource>(config, state_dir / "randomness-used");
  status_.state = Status::State::untested;
  status_.source = config.source.string();
}

Result<void> PsrdRandomness::fill(MutableByteView bytes) {
  system_.fill(bytes);
  const MutableByteView all = bytes;
  if (!source_) return {};
  const MutexLock lock(source_mutex_);
  SecretBytes noise(std::min(bytes.size(), kMixedAtOnce));
  while (!bytes.empty()) {
    const MutableByteView part = bytes.first(std::min(bytes.size(), kMixedAtOnce));
    const MutableByteView mixed = noise.span().first(part.size());
    if (auto filled = noted(source_->fill(mixed), part.size()); !filled) {
      wipe(all);
      return filled;
    }
    for (std::size_t i = 0; i < part.size(); ++i) part[i] ^= mixed[i];
    bytes = bytes.subspan(part.size());
  }
  return {};
}

Result<void> PsrdRandomness::prepare() {
  if (!source_) return {};
  const MutexLock lock(source_mutex_);
  return noted(source_->prepare(), 0);
}

void PsrdRandomness::give_up() {
  if (source_) source_->give_up();
}

Result<void> PsrdRandomness::noted(Result<void> result, std::uint64_t bytes) {
  const MutexLock lock(status_mutex_);
  if (result) {
    status_.state = Status::State::good;
    status_.error.clear();
    status_.bytes += bytes;
  } else {
    status_.state = Status::State::failed;
    status_.error = result.error().message;
    ++status_.failures;
  }
  return result;
}

PsrdRandomness::Status PsrdRandomness::status() const {
  const MutexLock lock(status_mutex_);
  return status_;
}

}  // namespace dske::hub
