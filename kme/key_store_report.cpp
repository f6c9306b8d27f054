#include "kme/key_store_report.h"

#include <cstdint>

namespace dske::kme {
namespace {

constexpr std::size_t kPairsMost = 1000;

}  // namespace

void write_key_store(json::Writer& writer, const KeyStore& store) {
  writer.begin_object();
  writer.name("pairs").integer(static_cast<std::int64_t>(store.pairs()));
  writer.name("ready_keys").integer(static_cast<std::int64_t>(store.ready_keys()));
  writer.name("keys_issued").integer(static_cast<std::int64_t>(store.keys_issued()));
  writer.name("error").string(store.last_failure());
  writer.end_object();
}

SecretBytes key_store_json(const KeyStore& store) {
  json::Writer writer;
  writer.begin_object().name("pairs").begin_array();
  const auto pairs = store.figures(kPairsMost);
  for (const KeyStore::PairFigures& pair : pairs) {
    writer.begin_object();
    writer.name("master_sae_id").string(pair.pair.master.text());
    writer.name("slave_sae_id").string(pair.pair.slave.text());
    writer.name("ready_keys").integer(pair.ready);
    writer.name("leased_keys").integer(pair.leased);
    writer.name("target_keys").integer(pair.target);
    writer.name("keys_per_second").number(pair.keys_per_second);
    writer.end_object();
  }
  writer.end_array();
  writer.name("more").boolean(store.pairs() > pairs.size());
  writer.end_object();
  return writer.take();
}

}  // namespace dske::kme
