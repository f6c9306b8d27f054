// Lets callbacks outlive the object that they are for.
#pragma once

#include <memory>
#include <utility>

namespace dske::wireguard {

/// A member of an object that hands out callbacks: once it is destroyed they do nothing. Everything on one
/// thread.
class Guard {
 public:
  Guard() = default;
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  template <class F>
  [[nodiscard]] auto operator()(F function) const {
    return
        [alive = std::weak_ptr<const char>(token_), function = std::move(function)](auto&&... args) mutable {
          if (!alive.expired()) function(std::forward<decltype(args)>(args)...);
        };
  }

  /// Expired once it is destroyed: for callbacks that return something.
  [[nodiscard]] std::weak_ptr<const char> watch() const { return token_; }

 private:
  std::shared_ptr<const char> token_ = std::make_shared<const char>('\0');
};

}  // namespace dske::wireguard
