#include "manager/log_tail.h"

#include <algorithm>
#include <deque>
#include <fstream>

namespace dske::manager {
namespace {
constexpr std::uintmax_t kBytesMost = 16 * 1024;
}

std::uintmax_t log_size(const std::filesystem::path& file) {
  std::error_code fault;
  const std::uintmax_t size = std::filesystem::file_size(file, fault);
  return fault ? 0 : size;
}

std::string log_tail(const std::filesystem::path& file, std::uintmax_t offset, std::size_t most) {
  const std::uintmax_t size = log_size(file);
  if (size > kBytesMost) offset = std::max(offset, size - kBytesMost);
  std::ifstream stream(file);
  stream.seekg(static_cast<std::streamoff>(offset));
  std::deque<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back("    " + line + "\n");
    if (lines.size() > most) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace dske::manager
