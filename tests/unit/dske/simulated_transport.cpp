#include "simulated_transport.h"

#include <utility>

namespace dske::test {

HubRequest copy_of(const HubRequest& request) {
  return {request.method, request.target, request.signature_header, request.signature, request.body.clone()};
}

HubAnswer copy_of(const HubAnswer& answer) {
  return {answer.status, answer.signature, answer.polling, answer.body.clone()};
}

void SimulatedTransport::send(const HubAddress& hub, HubRequest request, Done done) {
  if (on_request) on_request(hub, request);
  record_.request(hub.id, request);
  ++sent_[hub.id];
  auto exchange = std::make_shared<Exchange>();
  exchange->request = std::move(request);
  exchange->done = std::move(done);
  const Weather& weather = weather_[hub.id];
  if (!weather.reachable) {
    loop_.after(delay(hub.id), [this, exchange] {
      finish(exchange, Error{ErrorKind::unavailable, "connection refused"});
    });
    return;
  }
  loop_.after(kTimeout, [this, exchange, life = std::weak_ptr<int>(life_)] {
    if (!life.expired()) finish(exchange, Error{ErrorKind::unavailable, "no answer in time"});
  });
  const int copies = chance(weather.repeats_request) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (chance(weather.loses_request)) continue;
    HubRequest copy = copy_of(exchange->request);
    if (chance(weather.alters_request)) alter(copy);
    loop_.after(delay(hub.id), [this, id = hub.id, exchange, copy = std::move(copy)]() mutable {
      deliver(id, exchange, std::move(copy));
    });
  }
}

void SimulatedTransport::deliver(const HubId& hub, const std::shared_ptr<Exchange>& exchange,
                                 HubRequest request) {
  const Weather& weather = weather_[hub];
  if (!weather.reachable) return;
  auto answer = hubs_.at(hub)->handle(request);
  if (!answer || chance(weather.loses_answer)) return;
  auto& earlier = answers_[hub];
  if (!earlier.empty() && chance(weather.replays_answer)) {
    answer = copy_of(earlier[random_() % earlier.size()]);
  } else if (weather.replays_answer > 0) {
    earlier.push_back(copy_of(*answer));
  }
  if (chance(weather.alters_answer)) alter(*answer);
  if (chance(weather.reflects_request)) answer = HubAnswer{200, request.signature, {}, request.body.clone()};
  if (chance(weather.refuses)) answer = HubAnswer{401, {}, {}, SecretBytes::copy_of("{\"message\":\"no\"}")};
  loop_.after(delay(hub),
              [this, exchange, life = std::weak_ptr<int>(life_), answer = std::move(*answer)]() mutable {
                if (!life.expired()) finish(exchange, std::move(answer));
              });
}

void SimulatedTransport::finish(const std::shared_ptr<Exchange>& exchange, Result<HubAnswer> answer) {
  if (std::exchange(exchange->over, true)) return;
  Done done = std::move(exchange->done);
  done(std::move(answer));
}

void SimulatedTransport::alter_text(std::string& text) {
  if (!text.empty()) text[random_() % text.size()] ^= static_cast<char>(1U << (random_() % 7));
}

void SimulatedTransport::alter(HubRequest& request) {
  switch (random_() % 4) {
    case 0:
      alter_text(request.method);
      break;
    case 1:
      alter_text(request.target);
      break;
    case 2:
      alter_text(request.signature);
      break;
    default:
      if (request.body.empty()) return request.body.push_back('x');
      request.body.span()[random_() % request.body.size()] ^=
          static_cast<std::uint8_t>(1U << (random_() % 7));
  }
}

void SimulatedTransport::alter(HubAnswer& answer) {
  switch (random_() % 4) {
    case 0:
      answer.status = answer.status == 200 ? 404 : 200;
      break;
    case 1:
      alter_text(answer.signature);
      break;
    case 2:
      answer.signature.clear();
      break;
    default:
      if (answer.body.empty()) return answer.body.push_back('x');
      answer.body.span()[random_() % answer.body.size()] ^= static_cast<std::uint8_t>(1U << (random_() % 7));
  }
}

bool SimulatedTransport::chance(double probability) {
  return probability > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

std::chrono::nanoseconds SimulatedTransport::delay(const HubId& hub) {
  const Weather& weather = weather_[hub];
  return std::chrono::microseconds(std::uniform_int_distribution<std::int64_t>(
      weather.least_delay.count(), weather.most_delay.count())(random_));
}

}  // namespace dske::test
