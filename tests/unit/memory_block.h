// A PSRD block that lies in memory.
#pragma once

#include <memory>
#include <utility>

#include "base/secret.h"
#include "dske/psrd_block.h"

namespace dske::test {

/// A block that nothing has been taken from, as seen by `own` side.
[[nodiscard]] inline PsrdBlock memory_block(const BlockId& id, const PsrdLayout& layout, SecretBytes data,
                                            Side own) {
  return PsrdBlock::fresh(id, layout, std::make_shared<MemoryPsrdBytes>(std::move(data)), own);
}

}  // namespace dske::test
