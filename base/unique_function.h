// A callable that is moved, never copied, so that it may own secrets and answers (std::function needs
// copies).
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace dske {

template <class Signature>
class UniqueFunction;

/// Holds any callable with this signature. Empty when default-constructed or moved from; calling an empty one
/// is a bug. Not thread-safe.
template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;

  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> && std::is_invocable_r_v<R, F&, Args...>)
      UniqueFunction(F&& callable)  // NOLINT(*-explicit-*,*-forwarding-reference-*): as std::function
      : held_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(callable))) {}

  explicit operator bool() const noexcept { return held_ != nullptr; }

  R operator()(Args... args) { return held_->call(std::forward<Args>(args)...); }

 private:
  struct Base {
    Base() = default;
    Base(const Base&) = delete;
    Base& operator=(const Base&) = delete;
    virtual ~Base() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct Holder final : Base {
    explicit Holder(F function) : callable(std::move(function)) {}
    R call(Args... args) override { return callable(std::forward<Args>(args)...); }
    F callable;
  };
  std::unique_ptr<Base> held_;
};

using Task = UniqueFunction<void()>;

}  // namespace dske
