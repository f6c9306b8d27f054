#include "base/random.h"

#include <algorithm>
#include <cstdlib>

#include <openssl/rand.h>

namespace dske {

void SystemRandomness::fill(MutableByteView bytes) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // RAND_priv_bytes takes an int
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), kMostAtOnce);
    if (RAND_priv_bytes(bytes.data(), static_cast<int>(count)) != 1) std::abort();
    bytes = bytes.subspan(count);
  }
}

}  // namespace dske
