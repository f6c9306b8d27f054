// One side of a benchmark: an SAE at its KME, in a network that runs.
#pragma once

#include <memory>
#include <string>

#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "etsi014/key_container.h"
#include "http/client.h"
#include "manager/network.h"

namespace dske::bench {

struct Encryptor {
  manager::Node kme;
  SaeId sae;
  std::shared_ptr<const http::TlsClientConfig> tls;

  /// A call to its KME, as this SAE. It is not sent again if it fails.
  [[nodiscard]] http::Call call(const std::string& method, const std::string& target) const;
};

/// The network of a topology file.
[[nodiscard]] Result<manager::Network> open_network(const std::string& topology_file);

/// The SAE with its certificate from the network's PKI.
[[nodiscard]] Result<Encryptor> find_encryptor(const manager::Network& network, const std::string& sae);

/// The keys of an answer to enc_keys or dec_keys, of which there must be `number`.
[[nodiscard]] Result<std::vector<etsi014::Key>> keys_of(const Result<http::Answer>& answer,
                                                        std::size_t number);

/// The body of Get key with key IDs.
[[nodiscard]] SecretBytes key_ids_body(const std::vector<etsi014::Key>& keys);

/// Whether both lists hold the same keys under the same IDs, in the same order.
[[nodiscard]] bool same_keys(const std::vector<etsi014::Key>& a, const std::vector<etsi014::Key>& b);

}  // namespace dske::bench
