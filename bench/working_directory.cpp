#include "bench/working_directory.h"

#include <system_error>

#include "base/base64.h"
#include "base/file.h"
#include "base/random.h"

namespace dske::bench {

WorkingDirectory::WorkingDirectory(const std::filesystem::path& parent)
    : path_(parent / ("dske-bench-" + hex_text(SystemRandomness().bytes(8).view()))) {}

WorkingDirectory::~WorkingDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<void> write_text(const std::filesystem::path& path, const std::string& text) {
  return write_file_atomically(path, as_bytes(text), 0600);
}

}  // namespace dske::bench
