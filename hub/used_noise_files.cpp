#include "hub/used_noise_files.h"

#include <array>
#include <charconv>
#include <string_view>

#include <fmt/core.h>
#include <openssl/sha.h>

#include "base/file.h"

namespace dske::hub {
namespace {

constexpr std::size_t kBytesMost = std::size_t{1} << 20;
constexpr std::size_t kDigestLength = std::size_t{SHA256_DIGEST_LENGTH} * 2;

bool is_digest(std::string_view text) {
  return text.size() == kDigestLength && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<UsedNoiseFiles> UsedNoiseFiles::load(std::filesystem::path path) {
  UsedNoiseFiles files(std::move(path));
  std::error_code ignored;
  if (!std::filesystem::exists(files.path_, ignored)) return files;
  const auto contents = read_file(files.path_, kBytesMost);
  if (!contents) return contents.error();
  std::string_view text = contents->text();
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::string_view digest = line.substr(0, kDigestLength);
    std::uint64_t end = 0;
    const char* const last = line.data() + line.size();
    const bool parted = line.size() > kDigestLength + 1 && line[kDigestLength] == ' ' && is_digest(digest);
    const auto read = parted ? std::from_chars(line.data() + kDigestLength + 1, last, end)
                             : std::from_chars_result{line.data(), std::errc::invalid_argument};
    if (read.ec != std::errc() || read.ptr != last || line.size() == text.size()) {
      return Error{ErrorKind::corrupt, files.path_.string() +
                                           " is damaged: remove it only together with "
                                           "the files of random bytes used so far"};
    }
    files.ends_[std::string(digest)] = end;
    text.remove_prefix(line.size() + 1);
  }
  return files;
}

std::string UsedNoiseFiles::digest_of(ByteView head) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(head.data(), head.size(), digest.data());
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::uint64_t UsedNoiseFiles::end(const std::string& digest) const {
  const auto found = ends_.find(digest);
  return found == ends_.end() ? 0 : found->second;
}

Result<void> UsedNoiseFiles::record(const std::string& digest, std::uint64_t end) {
  ends_[digest] = end;
  std::string text;
  for (const auto& [known, used] : ends_) text += fmt::format("{} {}\n", known, used);
  return write_file_atomically(path_, as_bytes(text), 0600);
}

}  // namespace dske::hub
