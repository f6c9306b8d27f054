#include "released_memory.h"

#include <algorithm>
#include <atomic>

#include <malloc.h>

namespace {

std::atomic<bool> watching = false;
dske::ByteView marker_bytes;
int freed = 0;
int freed_with_marker = 0;

}  // namespace

extern "C" {

void __real_free(void* block);

void __wrap_free(void* block) {
  if (watching && block != nullptr) {
    const dske::ByteView contents(static_cast<const std::uint8_t*>(block), ::malloc_usable_size(block));
    const auto found =
        std::search(contents.begin(), contents.end(), marker_bytes.begin(), marker_bytes.end());
    ++freed;
    if (found != contents.end()) ++freed_with_marker;
  }
  __real_free(block);
}

}  // extern "C"

namespace dske::test {

ReleasedMemory::ReleasedMemory(ByteView marker) {
  marker_bytes = marker;
  freed = 0;
  freed_with_marker = 0;
  watching = true;
}

ReleasedMemory::~ReleasedMemory() {
  watching = false;
}

int ReleasedMemory::blocks() const {
  return freed;
}
int ReleasedMemory::blocks_with_marker() const {
  return freed_with_marker;
}

}  // namespace dske::test
