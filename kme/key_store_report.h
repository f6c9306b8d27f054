// What the management interface tells of the key store.
#pragma once

#include "base/json.h"
#include "base/secret.h"
#include "kme/key_store.h"

namespace dske::kme {

/// {"pairs", "ready_keys", "keys_issued", "error"}, as a value in the status.
void write_key_store(json::Writer& writer, const KeyStore& store);

/// The answer of GET key-store: each pair with its level, at most a thousand of them.
[[nodiscard]] SecretBytes key_store_json(const KeyStore& store);

}  // namespace dske::kme
