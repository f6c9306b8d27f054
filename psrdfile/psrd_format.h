// What the forms of PSRD files have in common (docs/protocol.md, section 1.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dske {

inline constexpr std::string_view kPsrdFormat = "dske-psrd-1";

/// A file in the binary form begins with this; then the size of its header in bytes, 4 bytes, big-endian, the
/// header in JSON, the block's bytes, and the checksum's 32 bytes.
inline constexpr std::string_view kBinaryPsrdMagic = "dske-psrd-bin-1\n";
inline constexpr std::size_t kPsrdHeaderBytesMost = 4096;

/// The JSON form is read into memory whole, so larger blocks have the binary one.
inline constexpr std::uint64_t kJsonPsrdBytesMost = std::uint64_t{8} << 20;

}  // namespace dske
