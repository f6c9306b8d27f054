// A PKCS #11 token of SoftHSM 2 in a directory of its own, for one test.
#pragma once

#include <string>

#include "base/temporary_directory.h"
#include "node/node_key.h"

namespace dske::test {

/// Sets $SOFTHSM2_CONF as long as it lives.
class SoftToken {
 public:
  SoftToken();
  ~SoftToken();
  SoftToken(const SoftToken&) = delete;
  SoftToken& operator=(const SoftToken&) = delete;

  /// Makes a token with the user PIN 1234; another one with the same label if there is one.
  void make(const std::string& label) const;
  void remove(const std::string& label) const;
  /// Where a node key is kept with it: by its key "dske".
  [[nodiscard]] node::KeyToken place(const std::string& label) const;
  void write_pin(const std::string& text) const;

 private:
  TemporaryDirectory directory_;
};

}  // namespace dske::test
