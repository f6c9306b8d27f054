#include "wireguard/mailbox.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "dske/simulated_loop.h"
#include "http/reply_sink.h"
#include "wireguard/batches.h"

namespace dske::wireguard {
namespace {

using namespace std::chrono_literals;

// What collectors were answered, in the order of the answers: "NAME:MESSAGES".
class Answers {
 public:
  [[nodiscard]] http::Reply collector(const std::string& name) {
    return http::Reply(std::make_unique<Sink>(*this, name));
  }
  std::vector<std::string> seen;

 private:
  class Sink final : public http::Reply::Sink {
   public:
    Sink(Answers& answers, std::string name) : answers_(answers), name_(std::move(name)) {}
    void send(http::Response response, http::Reply::Written /*written*/) override {
      const auto messages = parse_collected(response.body.text());
      answers_.seen.push_back(name_ + ":" + (messages ? std::to_string(messages->size()) : "none"));
    }

   private:
    Answers& answers_;
    const std::string name_;
  };
};

struct Fixture {
  dske::test::SimulatedClock clock;
  dske::test::SimulatedLoop loop{clock, 1};
  Answers answers;
  Mailbox mailbox{loop};

  void put(std::uint8_t tunnel) {
    std::array<std::uint8_t, 32> key{};
    key[0] = tunnel;
    mailbox.put({{PublicKey(key), PublicKey()}, AppliedMessage{}});
  }
};

using Seen = std::vector<std::string>;

}  // namespace

TEST_CASE("what waits is collected together, at once") {
  Fixture fixture;
  fixture.put(1);
  fixture.put(2);
  fixture.mailbox.collect(fixture.answers.collector("a"));
  fixture.loop.run_for(1ms);
  CHECK(fixture.answers.seen == Seen{"a:2"});
  fixture.mailbox.collect(fixture.answers.collector("b"));
  fixture.loop.run_for(5s);
  fixture.put(1);
  fixture.put(1);
  fixture.put(3);
  fixture.loop.run_for(1ms);
  CHECK(fixture.answers.seen == Seen{"a:2", "b:2"});
}

TEST_CASE("a collector is answered with nothing after a while") {
  Fixture fixture;
  fixture.mailbox.collect(fixture.answers.collector("a"));
  fixture.loop.run_for(19s);
  CHECK(fixture.answers.seen.empty());
  fixture.loop.run_for(2s);
  CHECK(fixture.answers.seen == Seen{"a:0"});
  fixture.loop.run_for(60s);
  CHECK(fixture.answers.seen.size() == 1);
}

TEST_CASE("a collector that was forgotten swallows nothing") {
  Fixture fixture;
  fixture.mailbox.collect(fixture.answers.collector("old"));
  fixture.mailbox.collect(fixture.answers.collector("new"));
  CHECK(fixture.answers.seen == Seen{"old:0"});
  fixture.put(1);
  fixture.loop.run_for(1ms);
  CHECK(fixture.answers.seen == Seen{"old:0", "new:1"});
}

TEST_CASE("what a tunnel had to say goes with it, and a mailbox does not leave its collector waiting") {
  Answers answers;
  {
    Fixture fixture;
    fixture.put(1);
    fixture.mailbox.forget({PublicKey(std::array<std::uint8_t, 32>{1}), PublicKey()});
    fixture.mailbox.collect(answers.collector("a"));
    fixture.loop.run_for(1s);
    CHECK(answers.seen.empty());
  }
  CHECK(answers.seen == Seen{"a:0"});
}

}  // namespace dske::wireguard
