// Where random bytes come from, as an interface so that tests can fix them.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

namespace dske {

/// Thread-safe.
class Randomness {
 public:
  virtual ~Randomness() = default;
  /// Fills `bytes` with bytes fit for keys.
  virtual void fill(MutableByteView bytes) = 0;
  [[nodiscard]] SecretBytes bytes(std::size_t count) {
    SecretBytes made(count);
    fill(made.span());
    return made;
  }
};

/// OpenSSL's private DRBG, seeded by the operating system. If it cannot give bytes the process ends: going on
/// without randomness is worse than stopping.
class SystemRandomness final : public Randomness {
 public:
  void fill(MutableByteView bytes) override;
};

}  // namespace dske
