// How a client reaches its hubs, as an interface so that tests can lose, delay, reorder and falsify messages.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/names.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/unique_function.h"

namespace dske {

/// A hub as a client knows it.
struct HubAddress {
  HubId id;
  HubName name;
  std::string endpoint;  ///< "http://HOST:PORT"
};

inline constexpr std::string_view kJsonContentType = "application/json";

struct HubRequest {
  std::string method;
  std::string target;            ///< the path with its query
  std::string signature_header;  ///< its name, kSignatureHeader or kPollingHeader
  std::string signature;         ///< its value
  SecretBytes body;
  std::string_view content_type = kJsonContentType;  ///< of the body; a literal
  std::chrono::seconds wait{0};  ///< how long the hub may take beyond what an answer usually takes
};

/// What came back, not verified yet.
struct HubAnswer {
  int status = 0;
  std::string signature;  ///< the header's value, empty if it is absent
  std::string polling;    ///< likewise
  SecretBytes body;
};

class HubTransport {
 public:
  using Done = UniqueFunction<void(Result<HubAnswer>)>;
  virtual ~HubTransport() = default;
  /// Sends one request, at most once. `done` runs on the caller's event loop: with the answer, or
  /// ErrorKind::unavailable when none came in time.
  virtual void send(const HubAddress& hub, HubRequest request, Done done) = 0;
};

}  // namespace dske
