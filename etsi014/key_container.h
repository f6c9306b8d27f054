// The key container that answers both Get key and Get key with key IDs (ETSI GS QKD 014 V1.1.1, clause 6.3).
#pragma once

#include <span>
#include <vector>

#include "base/names.h"
#include "base/secret.h"

namespace dske::etsi014 {

struct Key {
  KeyId id;
  SecretBytes value;
};

/// {"keys": [...]} with the keys in their order. The standard's optional extension objects are left out.
[[nodiscard]] SecretBytes key_container_json(std::span<const Key> keys);

}  // namespace dske::etsi014
