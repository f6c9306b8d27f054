// Initiator, hubs and responder in one process, on one thread, without sockets and files: what the protocol
// alone takes. Messages, pads, authenticators, shares and tags are the real ones, and so is the hubs' code.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "bench/memory_hub_store.h"
#include "bench/relay_flow.h"
#include "dske/sae_directory.h"
#include "http/client.h"

namespace dske::bench {

class MemoryHub;

class MemoryRelay final : public RelayEnds {
 public:
  /// With PSRD in memory for `pad_bytes` of shares and `messages` messages from carol to celia over each hub.
  [[nodiscard]] static Result<std::unique_ptr<MemoryRelay>> start(std::size_t hubs,
                                                                  std::size_t shares_required,
                                                                  std::uint64_t pad_bytes,
                                                                  std::uint64_t messages);
  ~MemoryRelay() override;

  void establish(BundleRequest request, Initiator::Done done) override;
  void receive(EstablishedBundle bundle, Held done) override;

 private:
  class Transport;
  struct End;

  MemoryRelay(std::size_t hubs, std::size_t shares_required);
  void add_psrd(const PsrdLayout& of_carol, const PsrdLayout& of_celia);
  [[nodiscard]] Result<void> register_all();
  void fetched(const EstablishedBundle& bundle, Held& done, const Result<FetchedBundle>& fetched);

  SystemClock clock_;
  SystemRandomness randomness_;
  std::unique_ptr<http::ClientLoop> loop_;  // used as a loop alone
  std::vector<std::unique_ptr<MemoryHub>> hubs_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<End> carol_;
  std::unique_ptr<End> celia_;
};

}  // namespace dske::bench
