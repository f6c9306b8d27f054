#include <doctest/doctest.h>

#include "hub/running_hub.h"

namespace dske::hub::test {
namespace {

// A registered client that polls.
struct Poller {
  RunningHub hub;
  HandClient carol = hub.assign("carol");
  SecretBytes key;

  Poller() {
    const RegistrationRequest message = hub.registration_of(carol, 1);
    key = carol.read(message.polling_key);
    REQUIRE(hub.register_as(carol, message).status() == 200);
  }

  http::Request poll(const PollingNumbers& numbers) const {
    http::Request made = request("GET", "/hub/hank/dske/api/v1/key-shares/pending");
    const PollingTag tag = polling_request_tag(key.view(), parts(made), numbers);
    made.headers.push_back({std::string(kPollingHeader), PollingRequest{numbers, tag}.text()});
    return made;
  }
  http::Request poll(std::uint64_t counter) const { return poll({carol.name(), 1, counter}); }

  [[nodiscard]] RequestParts parts(const http::Request& made) const {
    return {hub.id(), hub.epoch(), made.method, made.path, made.body.view()};
  }
  [[nodiscard]] Answer ask(http::Request made) const {
    return answer_of(hub.authenticator().verified_poll(
                         [](Authenticator::Poll poll) { poll.answer(200, SecretBytes::copy_of("{}")); }),
                     std::move(made));
  }
};

TEST_CASE("a poll under the polling key is answered under it, and costs no PSRD") {
  Poller poller;
  const PsrdLevels before = poller.hub.client("carol")->pool().levels();
  http::Request sent = poller.poll(1);
  const Answer answer = poller.ask(copy_of(sent));
  CHECK(answer.status() == 200);
  const auto header = PollingAnswer::parse(answer.header(kPollingHeader));
  REQUIRE(header.has_value());
  CHECK(header->counter == 1);
  const auto of_request = PollingRequest::parse(sent.header(kPollingHeader));
  REQUIRE(of_request.has_value());
  CHECK(header->tag == polling_answer_tag(poller.key.view(), poller.parts(sent), of_request->numbers,
                                          of_request->tag, 200, as_bytes(answer.body())));
  const PsrdLevels after = poller.hub.client("carol")->pool().levels();
  CHECK(after.client_authenticator.left_bytes == before.client_authenticator.left_bytes);
  CHECK(after.hub_authenticator.left_bytes == before.hub_authenticator.left_bytes);
}

TEST_CASE("a poll's counter only grows") {
  Poller poller;
  CHECK(poller.ask(poller.poll(7)).status() == 200);
  CHECK(poller.ask(poller.poll(7)).status() == 401);
  CHECK(poller.ask(poller.poll(6)).status() == 401);
  CHECK(poller.ask(poller.poll(8)).status() == 200);
}

TEST_CASE("a poll that does not verify does not use its counter up") {
  Poller poller;
  http::Request altered = poller.poll(1);
  altered.query = "initiator=mallory";
  CHECK(poller.ask(std::move(altered)).status() == 401);
  CHECK(poller.ask(poller.poll(1)).status() == 200);
}

TEST_CASE("polls of another registration, client or key are refused") {
  Poller poller;
  CHECK(poller.ask(poller.poll({poller.carol.name(), 2, 1})).status() == 401);
  CHECK(poller.ask(poller.poll({store::test::client("celia"), 1, 1})).status() == 401);
  CHECK(poller.ask(poller.poll({store::test::client("stranger"), 1, 1})).status() == 401);
  CHECK(poller.ask(request("GET", "/hub/hank/dske/api/v1/key-shares/pending")).status() == 401);
  poller.key = SecretBytes(32);
  CHECK(poller.ask(poller.poll(1)).status() == 401);
}

TEST_CASE("a new registration begins to count anew, under its own key") {
  Poller poller;
  CHECK(poller.ask(poller.poll(9)).status() == 200);
  const RegistrationRequest message = poller.hub.registration_of(poller.carol, 2);
  SecretBytes next = poller.carol.read(message.polling_key);
  REQUIRE(poller.hub.register_as(poller.carol, message).status() == 200);
  CHECK(poller.ask(poller.poll({poller.carol.name(), 2, 1})).status() == 401);
  poller.key = std::move(next);
  CHECK(poller.ask(poller.poll({poller.carol.name(), 2, 1})).status() == 200);
}

TEST_CASE("after a restart nobody can poll before registering again") {
  Poller poller;
  poller.hub.restart();
  CHECK(poller.ask(poller.poll(1)).status() == 401);
}

}  // namespace
}  // namespace dske::hub::test
