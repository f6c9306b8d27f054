// A PSRD file as it comes from its hub, encrypted for its recipient or not.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/byte_stream.h"
#include "base/result.h"

namespace dske {

/// The files with what opens encrypted PSRD files; at most one is named.
struct IdentityFiles {
  std::filesystem::path passphrase;   ///< psrdfile/recipient.h
  std::filesystem::path private_key;  ///< of the certificate to which they are encrypted

  [[nodiscard]] bool empty() const { return passphrase.empty() && private_key.empty(); }
};

/// The file's contents, decrypted if it is encrypted; only then are the identity's files read.
/// ErrorKind::not_found if there is no such file, ErrorKind::invalid if it is encrypted for somebody else or
/// `identity` is empty.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_psrd_input(const std::filesystem::path& path,
                                                                  const IdentityFiles& identity);

}  // namespace dske
