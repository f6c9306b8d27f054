// dske-bench psrd-files: how fast large PSRD files are made and ingested, and in how much memory.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace dske::bench {

struct PsrdFilesSettings {
  std::filesystem::path directory;  ///< on the disk to be measured; a new directory in it is used
  std::uint64_t mebibytes = 1024;   ///< of PSRD in one file
  unsigned rounds = 3;
};

/// Prints each round: dske-hub psrd assign, dske-kme ingest-psrd, and, as what the disk allows, writing and
/// flushing as many bytes; then the medians.
[[nodiscard]] Result<void> run_psrd_files_benchmark(const PsrdFilesSettings& settings);

}  // namespace dske::bench
