// The adapter's HTTP interface towards other adapters (openapi/wireguard.yaml).
#pragma once

#include <cstdint>
#include <vector>

#include "http/client.h"
#include "http/server.h"
#include "wireguard/batches.h"

namespace dske::wireguard {

/// Gets what other adapters ask and say. Called on the loop.
class ChannelReceiver {
 public:
  virtual ~ChannelReceiver() = default;
  /// What an adapter of this SAE says, and the answer. `exported` is its connection's secret, if it has one.
  /// ErrorKind::forbidden if the SAE has no tunnel with this end.
  [[nodiscard]] virtual Result<BatchAnswer> take(const SaeId& from, const Batch& batch,
                                                 const SecretBytes* exported) = 0;
  /// Answers an adapter that asks for what there is to say to it.
  virtual void collect(const SaeId& from, const AdapterId& adapter, http::Reply reply) = 0;
  /// GET /v1/dske/info for this SAE: JSON. As take().
  [[nodiscard]] virtual Result<SecretBytes> info(const SaeId& from) const = 0;
};

/// What adapters of one SAE may ask in a second, all together. One that has much to say asks at most a
/// hundred times, whatever the number of its tunnels: AdapterLink rests between its requests.
constexpr std::uint32_t kRequestsPerSecond = 256;

/// The handlers post to `loop`, where `receiver` lives; both must outlive the server. Beyond
/// `requests_per_second` of an SAE they answer 429.
[[nodiscard]] std::vector<http::Route> channel_routes(http::ClientLoop& loop, ChannelReceiver& receiver,
                                                      std::uint32_t requests_per_second = kRequestsPerSecond);

}  // namespace dske::wireguard
