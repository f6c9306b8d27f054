#include "node/psrd_rates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace dske::node {
namespace {

// A zone's level, and the rate that belongs to it.
struct ZoneMembers {
  ZoneLevel PsrdLevels::*level;
  double PsrdRates::*rate;
};
constexpr std::array kZoneMembers{
    ZoneMembers{&PsrdLevels::client_authenticator, &PsrdRates::client_authenticator},
    ZoneMembers{&PsrdLevels::client_pad, &PsrdRates::client_pad},
    ZoneMembers{&PsrdLevels::hub_authenticator, &PsrdRates::hub_authenticator},
    ZoneMembers{&PsrdLevels::hub_pad, &PsrdRates::hub_pad},
};
constexpr double kNotUsed = 0.001;  // bytes per second: 86 a day

}  // namespace

std::optional<std::chrono::seconds> PsrdRates::time_left(const PsrdLevels& levels) const {
  std::optional<double> least;
  for (const ZoneMembers& zone : kZoneMembers) {
    const double rate = this->*zone.rate;
    if (rate < kNotUsed) continue;
    const double seconds = static_cast<double>((levels.*zone.level).left_bytes) / rate;
    least = least ? std::min(*least, seconds) : seconds;
  }
  if (!least) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(*least));
}

void PsrdRateEstimator::observe(const std::string& peer, BlockLevels blocks, MonotonicTime now) {
  const MutexLock lock(mutex_);
  const auto [found, is_new] = peers_.try_emplace(peer);
  Observed& observed = found->second;
  if (!is_new) {
    const double seconds = std::chrono::duration<double>(now - observed.at).count();
    const double memory = std::chrono::duration<double>(kMemory).count();
    const double fade = std::exp(-seconds / memory);
    for (const ZoneMembers& zone : kZoneMembers) {
      double used = 0;
      for (const auto& [id, before] : observed.blocks) {
        const auto after = blocks.find(id);
        if (after == blocks.end()) continue;
        const std::uint64_t left = (after->second.*zone.level).left_bytes;
        used += static_cast<double>((before.*zone.level).left_bytes -
                                    std::min(left, (before.*zone.level).left_bytes));
      }
      double& faded = observed.faded_bytes.*zone.rate;
      faded = faded * fade + used;
    }
    observed.faded_seconds = observed.faded_seconds * fade + memory * (1 - fade);
    observed.span += now - observed.at;
  }
  observed.blocks = std::move(blocks);
  observed.at = now;
}

std::optional<PsrdRates> PsrdRateEstimator::rates(const std::string& peer) const {
  const MutexLock lock(mutex_);
  const auto found = peers_.find(peer);
  if (found == peers_.end() || found->second.span < kLeastObserved) return std::nullopt;
  PsrdRates rates;
  for (const ZoneMembers& zone : kZoneMembers)
    rates.*zone.rate = found->second.faded_bytes.*zone.rate / found->second.faded_seconds;
  return rates;
}

void PsrdRateEstimator::forget(const std::string& peer) {
  const MutexLock lock(mutex_);
  peers_.erase(peer);
}

void observe_pool(PsrdRateEstimator& estimator, const std::string& peer, const LeasedPool& pool,
                  MonotonicTime now) {
  PsrdRateEstimator::BlockLevels blocks;
  for (const BlockId& block : pool.blocks()) blocks.emplace(block, pool.block_levels(block));
  estimator.observe(peer, std::move(blocks), now);
}

}  // namespace dske::node
