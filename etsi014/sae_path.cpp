#include "etsi014/sae_path.h"

#include <array>
#include <utility>

#include "base/percent_encoding.h"

namespace dske::etsi014 {
namespace {

constexpr std::string_view kPrefix = "/api/v1/keys/";
constexpr std::array<std::pair<std::string_view, Resource>, 3> kResources{
    {{"status", Resource::status}, {"enc_keys", Resource::enc_keys}, {"dec_keys", Resource::dec_keys}}};

}  // namespace

ApiResult<SaeId> parse_sae_segment(std::string_view segment) {
  const auto text = percent_decode(segment);
  if (!text) return bad_request("the SAE ID in the URL holds " + text.error().message);
  auto sae = SaeId::parse(*text);
  if (!sae) return bad_request("the URL names no SAE: " + sae.error().message);
  return std::move(*sae);
}

ApiResult<SaePath> parse_sae_path(std::string_view path) {
  if (!path.starts_with(kPrefix)) return unknown_path();
  path.remove_prefix(kPrefix.size());
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return unknown_path();
  for (const auto& [name, resource] : kResources) {
    if (path.substr(slash + 1) != name) continue;
    auto sae = parse_sae_segment(path.substr(0, slash));
    if (!sae) return sae.error();
    return SaePath{std::move(*sae), resource};
  }
  return unknown_path();
}

std::string sae_path(const SaeId& sae, Resource resource) {
  std::string path = std::string(kPrefix) + percent_encode(sae.text()) + "/";
  for (const auto& [name, named] : kResources) {
    if (named == resource) path += name;
  }
  return path;
}

}  // namespace dske::etsi014
