// Gives memory back to the system when a crowd of connections has gone.
#pragma once

#include <algorithm>
#include <cstddef>

#include <malloc.h>

namespace dske::http {

/// The C library keeps what was freed between pieces that are still in use, so that a crowd would leave the
/// process as large as it was at its height. Has no effect where memory is locked against swapping. To be
/// called by one thread.
class MemoryReturn {
 public:
  /// To be told, about once a second, how many connections there are.
  void note(std::size_t connections) {
    height_ = std::max(height_, connections);
    if (height_ - connections < kCrowd) return;
    height_ = connections;
    ::malloc_trim(0);
  }

 private:
  static constexpr std::size_t kCrowd = 100;
  std::size_t height_ = 0;
};

}  // namespace dske::http
