// The topology file: whatever it holds, it is a whole topology or an error that names the file.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "manager/ports.h"
#include "manager/topology.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto topology = dske::manager::parse_topology(text, "topology.yaml");
  if (!topology) {
    if (topology.error().message.rfind("topology.yaml", 0) != 0) std::abort();
    return 0;
  }
  if (topology->hubs.size() < 2 || topology->clients.empty()) std::abort();
  const auto ports = dske::manager::assign_ports(*topology, {});
  if (ports && ports->hubs.size() != topology->hubs.size()) std::abort();
  return 0;
}
