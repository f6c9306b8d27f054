// enc_keys at one server and dec_keys of the same keys at another, as bursts of the load generator.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/constant_server.h"
#include "bench/encryptor.h"
#include "bench/load_generator.h"

namespace dske::bench {

/// What is asked for.
struct KeyLoad {
  std::size_t connections = 1;  ///< at each end
  std::size_t number = 1;       ///< keys per request
  std::size_t size_bits = 0;    ///< 0: the KME's default, which the request does not name
};

/// The two ends, each with its own kept-alive connections. Not thread-safe.
class KeyPairLoad {
 public:
  /// The two SAEs at their KMEs.
  [[nodiscard]] static Result<KeyPairLoad> at_kmes(const Encryptor& master, const Encryptor& slave,
                                                   const KeyLoad& load);
  /// The same requests to a constant server, with the same certificates.
  [[nodiscard]] static Result<KeyPairLoad> at_ceiling(const ConstantServer& server, const Encryptor& master,
                                                      const Encryptor& slave, const KeyLoad& load);

  /// `requests` of enc_keys.
  [[nodiscard]] Result<Burst> enc_keys(std::size_t requests);
  /// dec_keys of the keys that these answers of enc_keys hold.
  [[nodiscard]] Result<Burst> dec_keys(const std::vector<SecretBytes>& containers);

 private:
  KeyPairLoad() = default;
  [[nodiscard]] static Result<KeyPairLoad> at(const ServerAddress& master_server,
                                              const ServerAddress& slave_server, const Encryptor& master,
                                              const Encryptor& slave, const KeyLoad& load);

  std::unique_ptr<LoadGenerator> master_;
  std::unique_ptr<LoadGenerator> slave_;
  ServerAddress slave_server_;
  std::string enc_request_;
  std::string dec_target_;
  std::size_t number_ = 1;
};

/// The server that measures what HTTP and TLS alone allow the master's KME, with that KME's certificate.
[[nodiscard]] Result<std::unique_ptr<ConstantServer>> start_ceiling(const manager::Network& network,
                                                                    const Encryptor& master,
                                                                    const KeyLoad& load);

/// Nothing if both ends got the same keys under the same IDs, answer by answer; read strictly.
[[nodiscard]] Result<void> check_same_keys(const std::vector<SecretBytes>& enc,
                                           const std::vector<SecretBytes>& dec);

/// With what to do about it if the KME's limits on requests are what failed.
[[nodiscard]] Error with_advice(const Error& error);

}  // namespace dske::bench
