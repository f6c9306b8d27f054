// Recipients with a certificate, made by the openssl command for one test run.
#pragma once

#include <string>

#include "base/temporary_directory.h"
#include "psrdfile/recipient.h"

namespace dske::test {

class Recipients {
 public:
  /// Makes NAME.crt and NAME.key. `key` is what `openssl req -newkey` takes, "rsa:2048" for example.
  void make(const std::string& name, const std::string& key) const;
  [[nodiscard]] RecipientCertificate certificate(const std::string& name) const;
  [[nodiscard]] RecipientKey key(const std::string& name) const;
  [[nodiscard]] std::filesystem::path path(const std::string& file) const { return directory_.path() / file; }
  /// Runs a shell command in the directory; it must succeed.
  void run(const std::string& command) const;

 private:
  TemporaryDirectory directory_;
};

}  // namespace dske::test
