#include "dske/one_time_pad.h"

#include <cstdlib>

namespace dske {

void apply_pad(MutableByteView text, ByteView pad) noexcept {
  if (text.size() != pad.size()) std::abort();
  for (std::size_t i = 0; i < text.size(); ++i) text[i] ^= pad[i];
}

}  // namespace dske
