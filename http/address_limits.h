// How many connections there may be, in all and from one address.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"

namespace dske::http {

/// Thread-safe. Addresses are as limited_address() of http/peer_address.h gives them.
class AddressLimits {
 public:
  /// One connection's place, given back on destruction. It must not outlive its AddressLimits.
  class Place {
   public:
    Place(Place&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)), address_(std::move(other.address_)) {}
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (limits_ != nullptr) limits_->give_back(address_);
    }
    [[nodiscard]] const std::string& address() const { return address_; }

   private:
    friend class AddressLimits;
    Place(AddressLimits* limits, std::string address) : limits_(limits), address_(std::move(address)) {}
    AddressLimits* limits_;
    std::string address_;
  };

  AddressLimits(std::size_t most, std::size_t most_per_address)
      : most_(most), most_per_address_(most_per_address) {}

  /// A place for one connection from `address`, or nothing if a limit is reached.
  [[nodiscard]] std::optional<Place> take(const std::string& address);
  [[nodiscard]] std::size_t taken() const;
  /// Whether so few places are left, an eighth or 64, that who only waits has to go.
  [[nodiscard]] bool is_crowded() const;

 private:
  void give_back(const std::string& address);

  const std::size_t most_;
  const std::size_t most_per_address_;
  mutable Mutex mutex_;
  std::size_t total_ GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, std::size_t> per_address_ GUARDED_BY(mutex_);
};

}  // namespace dske::http
