// A DSKE client of one hub, as light as can be: a benchmark has thousands of them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "bench/hub_client_store.h"
#include "dske/hub_link.h"
#include "dske/pending_list.h"
#include "http/client.h"
#include "kme/http_hub_transport.h"
#include "psrdfile/psrd_file.h"

namespace dske::bench {

/// The product's link to a hub over HTTP; its PSRD lies in memory alone. Lives on its loop.
class HubClient {
 public:
  /// With the PSRD file that the hub made for it. The loop must have ended when it is destroyed.
  [[nodiscard]] static Result<std::unique_ptr<HubClient>> open(const std::filesystem::path& psrd_file,
                                                               http::ClientLoop& loop);

  [[nodiscard]] HubLink& link() { return *link_; }
  [[nodiscard]] const ClientName& name() const { return surroundings_.name; }

  /// Registers and calls `done`, with the error if it failed.
  void enter(std::function<void(Result<void>)> done);
  /// From now on a poll of what waits for it waits at the hub, as a KME's does all the time.
  void stay(std::chrono::nanoseconds first);

 private:
  HubClient(const PsrdFile& file, http::ClientLoop& loop);
  void poll();

  http::ClientLoop& loop_;
  SystemClock clock_;
  kme::HttpHubTransport transport_;
  HubClientStore store_;
  ClientSurroundings surroundings_;
  std::shared_ptr<HubLink> link_;
  std::uint64_t cursor_ = 0;  // of the pending list
};

}  // namespace dske::bench
