// How much of the KME each SAE may take, so that none stops the others from getting keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "base/names.h"
#include "base/rate_limiter.h"
#include "etsi014/api_error.h"

namespace dske::kme {

/// As configured under `limits` in kme.yaml.
struct RequestLimitsConfig {
  std::uint32_t per_second_per_sae = 2000;  ///< bursts of up to one second's worth, then evenly
  std::uint32_t at_once_per_sae = 512;      ///< requests that have come and are not answered yet
  std::uint32_t at_once = 4096;             ///< the same of all SAEs
};

/// Thread-safe.
class RequestLimits {
 public:
  /// One request in progress: counted from its arrival to its answer.
  class Place {
   public:
    Place(Place&& other) noexcept;
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

   private:
    friend class RequestLimits;
    Place(std::shared_ptr<RequestLimits> limits, SaeId sae)
        : limits_(std::move(limits)), sae_(std::move(sae)) {}
    std::shared_ptr<RequestLimits> limits_;
    SaeId sae_;
  };

  [[nodiscard]] static std::shared_ptr<RequestLimits> make(const RequestLimitsConfig& config) {
    return std::shared_ptr<RequestLimits>(new RequestLimits(config));
  }

  /// A place for a request of this SAE; 429 if it asks too much, 503 if all together do.
  [[nodiscard]] static etsi014::ApiResult<Place> take(const std::shared_ptr<RequestLimits>& limits,
                                                      const SaeId& sae, RateLimiter::Time now);

 private:
  explicit RequestLimits(const RequestLimitsConfig& config)
      : config_(config), rate_(config.per_second_per_sae) {}
  void give_back(const SaeId& sae);

  const RequestLimitsConfig config_;
  RateLimiter rate_;
  Mutex mutex_;
  std::size_t in_progress_ GUARDED_BY(mutex_) = 0;
  std::map<SaeId, std::size_t> per_sae_ GUARDED_BY(mutex_);
};

}  // namespace dske::kme
