// Watches everything that crosses the simulated wire, and finds PSRD that is used twice or in the wrong zone.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dske/allocation.h"
#include "dske/hub_transport.h"
#include "dske/psrd_layout.h"

namespace dske::test {

class WireRecord {
 public:
  /// A block that may be used from now on.
  void add_block(const BlockId& block, const PsrdLayout& layout) { layouts_[block] = layout; }

  /// A request as it left its client, an answer as it left its hub. The same message may leave twice.
  void request(const HubId& hub, const HubRequest& request);
  void answer(const HubId& hub, const HubRequest& request, const HubAnswer& answer);

  /// What was wrong, one line each; empty if every byte was used for one message, in its own zone.
  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  /// Bytes that `side` has used, over all blocks.
  [[nodiscard]] std::uint64_t used_bytes(Side side, Zone zone) const;
  [[nodiscard]] std::size_t messages() const { return messages_.size(); }

 private:
  struct Use {
    std::uint64_t end = 0;
    std::size_t message = 0;
    Side side = Side::client;
    Zone zone = Zone::authenticator;
  };
  void signature(const std::string& header, Side side, std::size_t message);
  void allocation(std::string_view json, std::string_view member, Side side, Zone zone, std::size_t message);
  void use(const Allocation& allocation, Side side, Zone zone, std::size_t message);
  [[nodiscard]] std::size_t number_of(std::string text);

  std::map<BlockId, PsrdLayout> layouts_;
  std::map<BlockId, std::map<std::uint64_t, Use>> used_;  // begin -> use
  std::map<std::string, std::size_t> messages_;
  std::vector<std::string> faults_;
};

}  // namespace dske::test
