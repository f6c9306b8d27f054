#include "etsi014/status.h"

#include <algorithm>

#include "base/json.h"

namespace dske::etsi014 {

SecretBytes to_json(const Status& status) {
  const Limits& limits = status.limits;
  json::Writer writer;
  writer.begin_object();
  writer.name("source_KME_ID").string(status.source_kme_id);
  writer.name("target_KME_ID").string(status.target_kme_id);
  writer.name("master_SAE_ID").string(status.master_sae_id.text());
  writer.name("slave_SAE_ID").string(status.slave_sae_id.text());
  writer.name("key_size").integer(limits.key_size_bits);
  writer.name("stored_key_count").integer(std::min(status.stored_key_count, limits.max_key_count));
  writer.name("max_key_count").integer(limits.max_key_count);
  writer.name("max_key_per_request").integer(limits.max_key_per_request);
  writer.name("max_key_size").integer(limits.max_key_size_bits);
  writer.name("min_key_size").integer(limits.min_key_size_bits);
  writer.name("max_SAE_ID_count").integer(limits.max_sae_id_count);
  writer.end_object();
  return writer.take();
}

}  // namespace dske::etsi014
