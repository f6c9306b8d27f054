#include "kme/extensions/registry.h"

#include <array>

#include "kme/extensions/max_age_seconds.h"
#include "kme/extensions/min_hubs.h"
#include "kme/extensions/min_shares_required.h"

namespace dske::kme {
namespace {

constexpr std::array kExtensions{
    kMaxAgeSeconds,
    kMinSharesRequired,
    kMinHubs,
};

constexpr auto kNames = [] {
  std::array<std::string_view, kExtensions.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kExtensions[i].name;
  return names;
}();

}  // namespace

std::span<const std::string_view> extension_names() {
  return kNames;
}

const Extension* find_extension(std::string_view name) {
  for (const Extension& extension : kExtensions) {
    if (extension.name == name) return &extension;
  }
  return nullptr;
}

}  // namespace dske::kme
