// How far files of random bytes have been used up, so that no byte of one is used twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace dske::hub {

/// A small text file with one line "SHA256 END" per file of random bytes. Not thread-safe.
class UsedNoiseFiles {
 public:
  /// Nothing is used if there is no such file. ErrorKind::corrupt if it is damaged.
  [[nodiscard]] static Result<UsedNoiseFiles> load(std::filesystem::path path);
  /// What a file of random bytes is known by: the SHA-256 of its first bytes, in hexadecimal digits.
  [[nodiscard]] static std::string digest_of(ByteView head);

  /// Below it, everything may have been used; 0 for a file that is not known.
  [[nodiscard]] std::uint64_t end(const std::string& digest) const;
  /// Durable when it returns without an error.
  [[nodiscard]] Result<void> record(const std::string& digest, std::uint64_t end);

 private:
  explicit UsedNoiseFiles(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
  std::map<std::string, std::uint64_t> ends_;
};

}  // namespace dske::hub
