// Fragments and allocations: which bytes of PSRD serve one purpose. Not secret; the bytes themselves never
// travel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/names.h"

namespace dske {

/// `size` bytes of a block from position `start` on.
struct Fragment {
  BlockId block;
  std::uint64_t start = 0;
  std::uint64_t size = 0;

  [[nodiscard]] std::uint64_t end() const { return start + size; }
  bool operator==(const Fragment&) const = default;
};

/// An allocation of more pieces is refused by its receiver.
inline constexpr std::size_t kFragmentsMost = 64;

/// The fragments of one purpose, in the order in which their bytes are joined.
using Allocation = std::vector<Fragment>;

[[nodiscard]] std::uint64_t allocation_size(const Allocation& allocation);

/// Comma-separated BLOCK_UUID:START:SIZE, as in the DSKE-Signature header.
[[nodiscard]] std::string allocation_text(const Allocation& allocation);
/// Takes 1 to 64 fragments. Refuses size 0, leading zeros, positions of 2^48 or more, and fragments that
/// overlap.
[[nodiscard]] Result<Allocation> parse_allocation(std::string_view text);

/// The JSON form, an array of objects, as a member of the object that `writer` is in.
void write_allocation(json::Writer& writer, std::string_view name, const Allocation& allocation);
/// Reads such a member under the same rules; faults are recorded in `reader`.
[[nodiscard]] Allocation read_allocation(json::ObjectReader& reader, std::string_view name);

}  // namespace dske
