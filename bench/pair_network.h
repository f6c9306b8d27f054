// Three hubs and two KMEs with many pairs of SAEs, for the measurements of one KME.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/encryptor.h"
#include "bench/served_node.h"
#include "etsi014/key_container.h"
#include "etsi014/sae_path.h"

namespace dske::bench {

/// A master SAE and a slave SAE by number.
struct NumberedPair {
  std::uint32_t master = 0;
  std::uint32_t slave = 0;
};

class PairNetwork {
 public:
  static constexpr std::uint32_t kSlaves = 10;  ///< all of them slaves of each master

  /// Makes the nodes in the directory and starts the hubs.
  [[nodiscard]] static Result<std::unique_ptr<PairNetwork>> make(const std::filesystem::path& directory);

  /// The KME whose SAEs are the masters, and that of the slaves.
  [[nodiscard]] ServedNode& master_kme() { return *master_kme_; }
  [[nodiscard]] ServedNode& slave_kme() { return *slave_kme_; }

  /// Has the master's KME serve so many SAEs, from its next start on: certificates, bindings, configuration.
  [[nodiscard]] Result<void> set_masters(std::uint32_t count);
  /// PSRD for both KMEs, which must run, for so many more bundles of `bundle_bytes`.
  [[nodiscard]] Result<void> provision(std::uint64_t bundles, std::uint64_t bundle_bytes);

  [[nodiscard]] std::uint32_t masters() const { return masters_; }
  [[nodiscard]] std::uint32_t pairs() const { return masters_ * kSlaves; }
  [[nodiscard]] static NumberedPair pair(std::uint32_t number) {
    return {number / kSlaves, number % kSlaves};
  }
  [[nodiscard]] static std::uint32_t number(const NumberedPair& pair) {
    return pair.master * kSlaves + pair.slave;
  }

  /// The call as the master, about the slave.
  [[nodiscard]] http::Call master_call(const NumberedPair& pair, etsi014::Resource resource) const;
  /// Get key with key IDs, as the slave.
  [[nodiscard]] http::Call slave_call(const NumberedPair& pair, const std::vector<etsi014::Key>& keys) const;

  /// How many keys the master's KME says are ready.
  [[nodiscard]] Result<std::uint64_t> ready_keys() const;

 private:
  explicit PairNetwork(std::filesystem::path directory) : directory_(std::move(directory)) {}
  [[nodiscard]] Result<void> build();
  [[nodiscard]] Result<void> issue(const std::string& kme, const std::vector<SaeId>& saes) const;
  [[nodiscard]] std::string kme_config(const manager::Node& node, const std::vector<SaeId>& saes) const;
  [[nodiscard]] Result<void> bind(const std::string& kme, const std::vector<SaeId>& saes) const;
  [[nodiscard]] http::Call call(const ServedNode& kme, const SaeId& sae, const std::string& method,
                                const SaeId& other, etsi014::Resource resource) const;
  [[nodiscard]] std::filesystem::path pki() const { return directory_ / "pki"; }

  const std::filesystem::path directory_;
  std::vector<ServedNode> hubs_;
  std::unique_ptr<ServedNode> master_kme_;
  std::unique_ptr<ServedNode> slave_kme_;
  std::uint32_t masters_ = 0;
};

/// Does `work` for each number below `count`, by several threads, each with a client of its own; the first
/// error. The numbers go to the threads in runs of `run`.
[[nodiscard]] Result<void> for_each_number(
    std::uint32_t count, std::uint32_t run,
    const std::function<Result<void>(http::BlockingClient&, std::uint32_t)>& work);

}  // namespace dske::bench
