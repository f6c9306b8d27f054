// Watches the memory that the code under test gives back: the linker sends its calls of free() here first
// (see CMakeLists.txt), so what lies in a block can be read while it still may be.
#pragma once

#include "base/bytes.h"

namespace dske::test {

/// From construction to destruction, counts the freed blocks that contain `marker`. One at a time; the marker
/// must not lie on the heap itself.
class ReleasedMemory {
 public:
  explicit ReleasedMemory(ByteView marker);
  ~ReleasedMemory();
  ReleasedMemory(const ReleasedMemory&) = delete;
  ReleasedMemory& operator=(const ReleasedMemory&) = delete;

  [[nodiscard]] int blocks() const;  ///< how many were freed at all
  [[nodiscard]] int blocks_with_marker() const;
};

}  // namespace dske::test
