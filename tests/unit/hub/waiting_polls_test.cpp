#include "hub/waiting_polls.h"

#include <chrono>

#include <doctest/doctest.h>

#include "hub/running_hub.h"

namespace dske::hub::test {
namespace {

using store::test::require_ok;
using namespace std::chrono_literals;

// A hub with registered clients who poll; carol's bundles wait for them.
struct Pollers {
  RunningHub hub;
  struct Poller {
    HandClient client;
    SecretBytes key;
    std::uint64_t registration = 0;
    std::uint64_t counter = 0;
  };
  Poller celia = registered(hub.assign("celia"));

  Poller registered(HandClient client) {
    Poller poller{std::move(client), {}};
    register_anew(poller);
    return poller;
  }
  void register_anew(Poller& poller) {
    const RegistrationRequest message = hub.registration_of(poller.client, ++poller.registration);
    poller.key = poller.client.read(message.polling_key);
    poller.counter = 0;
    REQUIRE(hub.register_as(poller.client, message).status() == 200);
  }

  std::future<Answer> poll(Poller& poller, const std::string& query) {
    http::Request made = request("GET", "/hub/hank/dske/api/v1/key-shares/pending", query);
    const PollingNumbers numbers{poller.client.name(), poller.registration, ++poller.counter};
    const std::string target = made.target();
    const RequestParts parts{hub.id(), hub.epoch(), made.method, target, {}};
    const PollingTag tag = polling_request_tag(poller.key.view(), parts, numbers);
    made.headers.push_back({std::string(kPollingHeader), PollingRequest{numbers, tag}.text()});
    return start(hub.authenticator().verified_poll(
                     [this](Authenticator::Poll poll) { hub.relay().list_pending(std::move(poll)); }),
                 std::move(made));
  }
  BundleName add_share(std::string_view claimant = "celia") {
    const auto share = store::test::share_of(store::test::context(store::test::client("carol")),
                                             DurableDeadline::at(hub.clock().now() + 1h, hub.clock()));
    require_ok(store::test::answer_of<void>([&](auto done) {
      hub.store().add_share({share.context, share.share.clone(), share.secret_tag, share.expires},
                            {store::test::client(claimant)}, std::move(done));
    }));
    hub.polls().share_came(store::test::client(claimant));
    return share.context.name();
  }
};

PendingList listed(std::future<Answer> answer) {
  REQUIRE(answer.wait_for(20s) == std::future_status::ready);
  const Answer got = answer.get();
  REQUIRE(got.status() == 200);
  CHECK_FALSE(got.header(kPollingHeader).empty());
  auto list = PendingList::parse(got.body());
  require_ok(list);
  return std::move(*list);
}

bool waits(const std::future<Answer>& answer) {
  return answer.wait_for(50ms) == std::future_status::timeout;
}

TEST_CASE("a poll is answered at once if something waits, or if it does not want to wait") {
  Pollers pollers;
  CHECK(listed(pollers.poll(pollers.celia, "")).bundles.empty());
  CHECK(listed(pollers.poll(pollers.celia, "wait=0&after=0")).bundles.empty());
  const BundleName bundle = pollers.add_share();
  const PendingList list = listed(pollers.poll(pollers.celia, "after=0&wait=60"));
  CHECK(list.bundles == std::vector{bundle});
  CHECK_FALSE(list.more);
  CHECK(list.cursor > 0);
  CHECK(pollers.hub.polls().waiting() == 0);
}

TEST_CASE("a poll waits until a share comes for its client after its cursor") {
  Pollers pollers;
  pollers.add_share();
  const PendingList first = listed(pollers.poll(pollers.celia, ""));
  auto answer = pollers.poll(pollers.celia, "after=" + std::to_string(first.cursor) + "&wait=60");
  CHECK(waits(answer));
  pollers.add_share("mallory");
  CHECK(waits(answer));
  const BundleName bundle = pollers.add_share();
  const PendingList list = listed(std::move(answer));
  CHECK(list.bundles == std::vector{bundle});
  CHECK(list.cursor > first.cursor);
}

TEST_CASE("a poll whose wait is over is answered with nothing, and its own cursor") {
  Pollers pollers;
  auto answer = pollers.poll(pollers.celia, "after=12&wait=60");
  CHECK(waits(answer));
  pollers.hub.clock().set(pollers.hub.clock().now() + 59s);
  pollers.hub.polls().settle();
  CHECK(waits(answer));
  pollers.hub.clock().set(pollers.hub.clock().now() + 1s);
  pollers.hub.polls().settle();
  const PendingList list = listed(std::move(answer));
  CHECK(list.bundles.empty());
  CHECK(list.cursor == 12);
}

TEST_CASE("no poll waits longer than the hub allows") {
  Pollers pollers;
  auto answer = pollers.poll(pollers.celia, "wait=18446744073");
  CHECK(waits(answer));
  pollers.hub.clock().set(pollers.hub.clock().now() + PendingQuestion::kWaitMost);
  pollers.hub.polls().settle();
  CHECK(listed(std::move(answer)).bundles.empty());
}

TEST_CASE("a client's newer poll ends its older one") {
  Pollers pollers;
  auto older = pollers.poll(pollers.celia, "wait=60");
  CHECK(waits(older));
  auto newer = pollers.poll(pollers.celia, "wait=60");
  CHECK(listed(std::move(older)).bundles.empty());
  CHECK(waits(newer));
  const BundleName bundle = pollers.add_share();
  CHECK(listed(std::move(newer)).bundles == std::vector{bundle});
}

TEST_CASE("only so many polls wait in all, the others are answered at once") {
  Pollers pollers;  // two at that hub
  auto carol = pollers.registered(pollers.hub.assign("carol"));
  auto mallory = pollers.registered(pollers.hub.assign("mallory"));
  const auto first = pollers.poll(pollers.celia, "wait=60");
  const auto second = pollers.poll(carol, "wait=60");
  CHECK(listed(pollers.poll(mallory, "wait=60")).bundles.empty());
  CHECK(waits(first));
  CHECK(waits(second));
  CHECK(pollers.hub.polls().waiting() == 2);
  pollers.hub.polls().stop();
}

TEST_CASE("the poll of a client that is disabled, has left or registers anew does not hang") {
  for (const char* what : {"disabled", "left", "anew"}) {
    Pollers pollers;
    auto answer = pollers.poll(pollers.celia, "wait=60");
    CHECK(waits(answer));
    const auto client = pollers.hub.client("celia");
    if (std::string_view(what) == "disabled") client->set_enabled(false);
    if (std::string_view(what) == "left") client->left();
    if (std::string_view(what) == "anew") pollers.register_anew(pollers.celia);
    pollers.hub.polls().settle();
    REQUIRE(answer.wait_for(20s) == std::future_status::ready);
    CHECK(answer.get().status() == 401);
    CHECK(pollers.hub.polls().waiting() == 0);
  }
}

TEST_CASE("a client that was disabled while its poll waited is told nothing any more") {
  Pollers pollers;
  auto answer = pollers.poll(pollers.celia, "wait=60");
  CHECK(waits(answer));
  pollers.hub.client("celia")->set_enabled(false);
  pollers.add_share();
  REQUIRE(answer.wait_for(20s) == std::future_status::ready);
  CHECK(answer.get().status() == 401);
}

TEST_CASE("a hub that stops answers the polls that wait, and lets none wait any more") {
  Pollers pollers;
  auto answer = pollers.poll(pollers.celia, "wait=60");
  CHECK(waits(answer));
  pollers.hub.polls().stop();
  CHECK(listed(std::move(answer)).bundles.empty());
  CHECK(listed(pollers.poll(pollers.celia, "wait=60")).bundles.empty());
}

TEST_CASE("questions that make no sense are refused, signed") {
  Pollers pollers;
  for (const char* query : {"after=-1", "after=", "after", "wait=1&wait=1", "after=0x1", "initiator=carol",
                            "wait=1.5", "after=9223372036854775808"}) {
    auto answer = pollers.poll(pollers.celia, query);
    REQUIRE(answer.wait_for(20s) == std::future_status::ready);
    const Answer got = answer.get();
    CHECK(got.status() == 400);
    CHECK_FALSE(got.header(kPollingHeader).empty());
  }
}

}  // namespace
}  // namespace dske::hub::test
