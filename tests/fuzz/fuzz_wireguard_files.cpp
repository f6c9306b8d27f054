// The adapter's configuration and its record of keys.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wireguard/config.h"
#include "wireguard/key_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske::wireguard;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = parse_config(text, "/wireguard.yaml");
  if (!config && config.error().message.rfind("/wireguard.yaml", 0) != 0) std::abort();
  if (const auto record = parse_key_record(text)) {
    if (!parse_key_record(to_json(*record))) std::abort();
  }
  return 0;
}
