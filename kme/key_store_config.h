// How many keys a KME keeps ready, and for whom.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

#include "base/names.h"
#include "base/yaml.h"
#include "etsi014/key_request.h"
#include "etsi014/limits.h"

namespace dske::kme {

/// As configured under `key_store` in kme.yaml. The most keys that one pair can have ready is
/// etsi014::Limits::max_key_count.
struct KeyStoreConfig {
  bool enabled = true;
  std::uint32_t minimum_keys = 32;  ///< of each pair in use
  std::uint32_t maximum_keys_in_all =
      1000000;                          ///< of all pairs together; beyond it only minimum_keys are kept
  std::chrono::seconds demand{60};      ///< how long the keys of a busy pair would last
  std::chrono::seconds idle{1800};      ///< a pair that was not asked for as long is filled no more
  std::vector<etsi014::SaePair> pairs;  ///< always in use

  bool operator==(const KeyStoreConfig&) const = default;
};

/// Reads the member `key_store`, if it is there; `maximum_keys` goes into `limits`. The masters of its pairs
/// must be among `encryptors`.
[[nodiscard]] KeyStoreConfig read_key_store(yaml::MappingReader& reader, etsi014::Limits& limits,
                                            const std::set<SaeId>& encryptors);

}  // namespace dske::kme
