// Hub processes of a benchmark's own, and two KMEs' halves that are their clients.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "bench/relay_flow.h"
#include "bench/relay_kme.h"
#include "bench/running_program.h"

namespace dske::bench {

/// Real dske-hub processes with state on disk, and the KMEs carol and celia in this process.
class RelayHubs final : public RelayEnds {
 public:
  /// Makes and starts them in `directory`, with PSRD for `pad_bytes` of shares and `messages` messages from
  /// carol to celia over each hub.
  [[nodiscard]] static Result<std::unique_ptr<RelayHubs>> start(const std::filesystem::path& directory,
                                                                std::size_t hubs, std::size_t shares_required,
                                                                std::uint64_t pad_bytes,
                                                                std::uint64_t messages);
  void establish(BundleRequest request, Initiator::Done done) override;
  void receive(EstablishedBundle bundle, Held done) override;

  /// What the hubs have taken of the processors so far, in seconds.
  [[nodiscard]] double hub_cpu_seconds() const;

 private:
  RelayHubs() = default;

  std::vector<RunningProgram> hubs_;
  std::unique_ptr<RelayKme> carol_;
  std::unique_ptr<RelayKme> celia_;
};

/// A port of 127.0.0.1 that nobody listened on a moment ago.
[[nodiscard]] Result<std::uint16_t> free_port();

}  // namespace dske::bench
