// The key container that answers both Get key and Get key with key IDs (ETSI GS QKD 014 V1.1.1, clause 6.3).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/secret.h"

namespace dske::etsi014 {

struct Key {
  KeyId id;
  SecretBytes value;
};

/// A member of key_container_extension.
struct ContainerExtension {
  std::string_view name;
  std::int64_t value = 0;
};

/// {"keys": [...]} with the keys in their order, and key_container_extension unless it would be empty. The
/// other extension objects of the standard are left out.
[[nodiscard]] SecretBytes key_container_json(std::span<const Key> keys,
                                             std::span<const ContainerExtension> extension = {});

}  // namespace dske::etsi014
