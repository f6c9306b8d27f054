// The way to the hubs over HTTP.
#pragma once

#include "dske/hub_transport.h"
#include "http/client.h"

namespace dske::kme {

class HttpHubTransport final : public HubTransport {
 public:
  /// `loop` must outlive the transport.
  explicit HttpHubTransport(http::ClientLoop& loop) : loop_(loop) {}
  void send(const HubAddress& hub, HubRequest request, Done done) override;

 private:
  http::ClientLoop& loop_;
};

}  // namespace dske::kme
