// A network between clients and hubs that delays, loses, repeats and falsifies what it carries.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "dske/hub_transport.h"
#include "simulated_hub.h"
#include "simulated_loop.h"
#include "wire_record.h"

namespace dske::test {

/// How the network treats one hub's traffic; probabilities from 0 to 1.
struct Weather {
  bool reachable = true;
  std::chrono::microseconds least_delay{100};
  std::chrono::microseconds most_delay{2000};
  double loses_request = 0;
  double loses_answer = 0;
  double repeats_request = 0;  ///< it arrives twice
  double alters_request = 0;
  double alters_answer = 0;
  double replays_answer = 0;    ///< an earlier answer of that hub comes in the place of the right one
  double reflects_request = 0;  ///< the request's own signature and body come back
  double refuses = 0;           ///< an unsigned 401 comes in the place of an answer
};

class SimulatedTransport final : public HubTransport {
 public:
  static constexpr std::chrono::seconds kTimeout{2};

  SimulatedTransport(SimulatedLoop& loop, WireRecord& record, std::uint32_t seed)
      : loop_(loop), record_(record), random_(seed) {}

  void add(SimulatedHub& hub) { hubs_[hub.id()] = &hub; }
  [[nodiscard]] Weather& weather(const HubId& hub) { return weather_[hub]; }
  /// Every further answer is lost, since the client who waits for it is gone.
  void forget_exchanges() { life_ = std::make_shared<int>(0); }
  [[nodiscard]] std::size_t sent(const HubId& hub) const { return sent_.contains(hub) ? sent_.at(hub) : 0; }

  /// Called with each request that leaves, before it is sent.
  std::function<void(const HubAddress&, const HubRequest&)> on_request;

  void send(const HubAddress& hub, HubRequest request, Done done) override;

 private:
  struct Exchange {
    HubRequest request;
    Done done;
    bool over = false;
  };
  void deliver(const HubId& hub, const std::shared_ptr<Exchange>& exchange, HubRequest request);
  void finish(const std::shared_ptr<Exchange>& exchange, Result<HubAnswer> answer);
  void alter(HubRequest& request);
  void alter(HubAnswer& answer);
  void alter_text(std::string& text);
  [[nodiscard]] bool chance(double probability);
  [[nodiscard]] std::chrono::nanoseconds delay(const HubId& hub);

  SimulatedLoop& loop_;
  WireRecord& record_;
  std::mt19937 random_;
  std::map<HubId, SimulatedHub*> hubs_;
  std::map<HubId, Weather> weather_;
  std::map<HubId, std::vector<HubAnswer>> answers_;
  std::map<HubId, std::size_t> sent_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

[[nodiscard]] HubRequest copy_of(const HubRequest& request);
[[nodiscard]] HubAnswer copy_of(const HubAnswer& answer);

}  // namespace dske::test
