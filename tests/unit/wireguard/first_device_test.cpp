#include <utility>

#include <doctest/doctest.h>

#include "wireguard/device_state.h"

namespace dske::wireguard {
namespace {

// Answers everything with one error, or success.
class Answering final : public DeviceDriver {
 public:
  Answering(Result<void> answer, int& asked) : answer_(std::move(answer)), asked_(asked) {}
  Result<DeviceState> get() override {
    ++asked_;
    if (!answer_) return answer_.error();
    return DeviceState{};
  }
  Result<void> set_key(const PublicKey& /*peer*/, ByteView /*preshared_key*/) override { return answer(); }
  Result<void> set_keepalive(const PublicKey& /*peer*/, std::uint16_t /*seconds*/) override {
    return answer();
  }
  Result<void> replace(const PeerState& /*state*/) override { return answer(); }

 private:
  Result<void> answer() {
    ++asked_;
    return answer_;
  }
  Result<void> answer_;
  int& asked_;
};

struct Outcome {
  int first = 0;
  int second = 0;
  Result<void> answer;
};

Outcome ask(const Result<void>& first, const Result<void>& second) {
  Outcome outcome;
  const auto device = first_device(std::make_unique<Answering>(first, outcome.first),
                                   std::make_unique<Answering>(second, outcome.second));
  outcome.answer = device->set_key({}, {});
  CHECK(device->set_keepalive({}, 0).has_value() == outcome.answer.has_value());
  CHECK(device->replace({}).has_value() == outcome.answer.has_value());
  CHECK(device->get().has_value() == outcome.answer.has_value());
  return outcome;
}

const Error kNone{ErrorKind::not_found, "none here"};
const Error kOther{ErrorKind::not_found, "none there"};

}  // namespace

TEST_CASE("the second device is asked while there is no first") {
  const Outcome first = ask({}, kOther);
  CHECK(first.answer.has_value());
  CHECK(first.second == 0);
  const Outcome second = ask(kNone, {});
  CHECK(second.answer.has_value());
  CHECK(second.first == 4);
  CHECK(second.second == 4);
}

TEST_CASE("a fault of the first is no reason to ask the second") {
  const Outcome outcome = ask(Error{ErrorKind::io, "broken"}, {});
  CHECK(outcome.answer.error().kind == ErrorKind::io);
  CHECK(outcome.second == 0);
}

TEST_CASE("where neither has a device, both say why") {
  CHECK(ask(kNone, kOther).answer.error().message == "none here; none there");
  const Outcome forbidden = ask(kNone, Error{ErrorKind::forbidden, "not allowed"});
  CHECK(forbidden.answer.error().kind == ErrorKind::not_found);
  CHECK(forbidden.answer.error().message == "none here; not allowed");
  CHECK(ask(kNone, Error{ErrorKind::io, "broken"}).answer.error().message == "broken");
}

}  // namespace dske::wireguard
