// Shares of a secret that are unused PSRD (docs/protocol.md, section 3.4). Internal to the initiator.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/unique_function.h"
#include "dske/hub_link.h"
#include "dske/initiator.h"

namespace dske {

/// Takes pads of some hubs that are to be their shares: of the first ones that have as much. Keeps itself
/// alive until the last of them has answered. Lives on the links' event loop.
class PsrdShares : public std::enable_shared_from_this<PsrdShares> {
 public:
  /// By link, in their order: a pad for each of those whose PSRD is to be the share.
  using Pads = std::vector<std::optional<HubLink::Pad>>;
  using Done = UniqueFunction<void(tl::expected<Pads, BundleFailure>)>;

  /// Calls `done` with `count` pads of `size_bytes`. Error: exhausted, with the cause at each hub, if fewer
  /// of them have as much.
  static void take(std::vector<std::shared_ptr<HubLink>> links, std::uint64_t size_bytes, std::size_t count,
                   Done done);

 private:
  PsrdShares(std::vector<std::shared_ptr<HubLink>> links, std::uint64_t size_bytes, std::size_t count,
             Done done);
  /// Asks as many hubs as pads are missing, or fails when none is left to ask.
  void ask_more();
  void answered(std::size_t i, Result<HubLink::Pad> pad);

  std::vector<std::shared_ptr<HubLink>> links_;
  std::uint64_t size_bytes_;
  std::size_t missing_;
  Done done_;
  Pads pads_;
  std::vector<HubCause> causes_;
  std::size_t next_ = 0;  // the first link that has not been asked
  std::size_t outstanding_ = 0;
};

}  // namespace dske
