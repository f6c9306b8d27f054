#include "kme/asked_extensions.h"

#include <algorithm>

#include "kme/extensions/registry.h"

namespace dske::kme {
namespace {

Result<Demand> read_demand(const Extension& extension, json::Value value, std::size_t hubs) {
  auto demand = extension.read(value);
  if (demand && demand->hubs_needed() > hubs)
    return invalid("needs " + std::to_string(demand->hubs_needed()) + " hubs, this KME has " +
                   std::to_string(hubs));
  return demand;
}

}  // namespace

etsi014::ApiResult<AskedExtensions> AskedExtensions::read(const etsi014::KeyRequest& request,
                                                          std::size_t hubs) {
  AskedExtensions extensions;
  std::vector<etsi014::UnmetExtension> unmet;
  for (const etsi014::ExtensionParameter& parameter : request.mandatory_extensions) {
    const Extension* known = find_extension(parameter.name);
    if (known == nullptr) return etsi014::unsupported_mandatory_extensions({parameter.name});
    const auto demand = read_demand(*known, parameter.value, hubs);
    if (demand) {
      extensions.asked_.push_back({parameter.name, true, *demand});
    } else {
      unmet.push_back({parameter.name, demand.error().message});
    }
  }
  if (!unmet.empty()) return etsi014::unmet_mandatory_extensions(unmet);
  extensions.any_ = !extensions.asked_.empty();
  const std::size_t mandatory = extensions.asked_.size();
  for (const etsi014::ExtensionParameter& parameter : request.optional_extensions) {
    const Extension* known = find_extension(parameter.name);
    if (known == nullptr) continue;
    extensions.any_ = true;
    const auto end = extensions.asked_.begin() + static_cast<std::ptrdiff_t>(mandatory);
    const auto same = [&](const Asked& asked) { return asked.name == parameter.name; };
    if (std::any_of(extensions.asked_.begin(), end, same)) continue;
    if (const auto demand = read_demand(*known, parameter.value, hubs))
      extensions.asked_.push_back({parameter.name, false, *demand});
  }
  return extensions;
}

Demand AskedExtensions::demand() const {
  Demand demand;
  for (const Asked& asked : asked_) demand.add(asked.demand);
  return demand;
}

etsi014::ApiResult<bool> AskedExtensions::settle_for(std::size_t hubs, const std::string& reason) {
  std::vector<etsi014::UnmetExtension> unmet;
  for (const Asked& asked : asked_) {
    if (asked.mandatory && asked.demand.hubs_needed() > hubs) unmet.push_back({asked.name, reason});
  }
  if (!unmet.empty()) return etsi014::unmet_mandatory_extensions(unmet);
  return std::erase_if(asked_, [&](const Asked& asked) { return asked.demand.hubs_needed() > hubs; }) > 0;
}

}  // namespace dske::kme
