#include "kme/psrd_allowance.h"

#include <algorithm>
#include <functional>

#include "dske/one_time_mac.h"
#include "dske/secret_tag.h"

namespace dske::kme {
namespace {

PsrdAmount cost_of(const BundleRequest& request) {
  return {kSecretTagRandomSize + std::uint64_t{request.key_count} * request.key_size_bytes, 1};
}

}  // namespace

std::optional<PsrdAmount> PsrdAllowance::left() const {
  std::vector<std::uint64_t> pads;
  std::vector<std::uint64_t> messages;
  for (const auto& link : links_) {
    if (!link->registered()) continue;
    const PsrdLevels levels = link->pool().levels();
    pads.push_back(levels.client_pad.left_bytes);
    messages.push_back(std::min(levels.client_authenticator.left_bytes, levels.hub_authenticator.left_bytes) /
                       kOneTimeMacKeySize);
  }
  const std::size_t needed = config_.shares_required;
  if (pads.size() < needed) return std::nullopt;
  std::sort(pads.begin(), pads.end(), std::greater<>());
  std::sort(messages.begin(), messages.end(), std::greater<>());
  return PsrdAmount{pads[needed - 1], messages[needed - 1]};
}

bool PsrdAllowance::allows_request(const BundleRequest& request) {
  if (config_.encryptors.size() < 2) return true;
  const auto there = left();
  const PsrdAmount cost = cost_of(request);
  // What there is not for anybody, the hubs' links tell.
  if (!there || cost.pad_bytes > there->pad_bytes || cost.messages > there->messages) return true;
  return share_.take(request.master, cost, *there);
}

bool PsrdAllowance::allows_ahead(const BundleRequest& request) {
  const auto there = left();
  return there && share_.take(request.master, cost_of(request), *there);
}

}  // namespace dske::kme
