// Randomness that tests can predict.
#pragma once

#include <random>
#include <stdexcept>
#include <utility>

#include "base/random.h"

namespace dske::test {

/// Gives the bytes it was made with, once.
class FixedRandomness final : public Randomness {
 public:
  explicit FixedRandomness(Bytes bytes) : bytes_(std::move(bytes)) {}

  void fill(MutableByteView bytes) override {
    if (bytes.size() > bytes_.size() - used_) throw std::runtime_error("more randomness taken than expected");
    for (std::uint8_t& byte : bytes) byte = bytes_[used_++];
  }

  [[nodiscard]] std::size_t left() const { return bytes_.size() - used_; }

 private:
  Bytes bytes_;
  std::size_t used_ = 0;
};

/// The same sequence in every run, from a generator that is good enough for test data.
class ReproducibleRandomness final : public Randomness {
 public:
  explicit ReproducibleRandomness(std::uint32_t seed) : generator_(seed) {}

  void fill(MutableByteView bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(generator_());
  }

  [[nodiscard]] Bytes data(std::size_t size) {
    Bytes made(size);
    fill(made);
    return made;
  }

  /// A number from 0 to `limit` - 1, not quite uniform.
  [[nodiscard]] std::size_t below(std::size_t limit) { return generator_() % limit; }

 private:
  std::mt19937 generator_;
};

}  // namespace dske::test
