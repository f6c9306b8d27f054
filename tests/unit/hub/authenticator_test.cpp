#include <thread>

#include <doctest/doctest.h>

#include "hub/running_hub.h"

namespace dske::hub::test {
namespace {

http::Request get_of(std::string query = "") {
  return request("GET", "/hub/hank/dske/api/v1/key-share", std::move(query));
}

http::Request post_of(std::string_view body) {
  return request("POST", "/hub/hank/dske/api/v1/key-share", "", SecretBytes::copy_of(body));
}

void check_unsigned(const Answer& answer, int status) {
  CHECK(answer.status() == status);
  CHECK(answer.header(kSignatureHeader).empty());
}

TEST_CASE("a signed request is let in once, and its answer is signed for it") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  http::Request sent = post_of("{}");
  hub.sign(carol, sent);
  const Answer first = answer_of(hub.echo(), copy_of(sent));
  CHECK(first.status() == 200);
  CHECK(hub.is_signed(carol, sent, first));
  check_unsigned(answer_of(hub.echo(), copy_of(sent)), 401);
}

TEST_CASE("an altered request is refused and spends nothing, so that the true one still gets in") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  http::Request sent = post_of("{\"a\":1}");
  sent.query = "key_id=1";
  hub.sign(carol, sent);
  const auto altered = [&](auto change) {
    http::Request copy = copy_of(sent);
    change(copy);
    check_unsigned(answer_of(hub.echo(), std::move(copy)), 401);
  };
  altered([](http::Request& copy) { copy.body = SecretBytes::copy_of("{\"a\":2}"); });
  altered([](http::Request& copy) { copy.body.clear(); });
  altered([](http::Request& copy) { copy.method = "PUT"; });
  altered([](http::Request& copy) { copy.path += "s"; });
  altered([](http::Request& copy) { copy.query = "key_id=2"; });
  altered([](http::Request& copy) { copy.headers.clear(); });
  altered([](http::Request& copy) { copy.headers[0].value += "A"; });
  CHECK(answer_of(hub.echo(), copy_of(sent)).status() == 200);
}

TEST_CASE("a request of another hub or epoch is refused") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  http::Request other_epoch = post_of("{}");
  hub.sign(carol, other_epoch, {}, store::test::random_id<Epoch>());
  check_unsigned(answer_of(hub.echo(), std::move(other_epoch)), 401);
  http::Request no_epoch = post_of("{}");
  hub.sign(carol, no_epoch, {}, Epoch());
  check_unsigned(answer_of(hub.echo(), std::move(no_epoch)), 401);

  http::Request before_restart = post_of("{}");
  hub.sign(carol, before_restart);
  hub.restart();
  check_unsigned(answer_of(hub.echo(), std::move(before_restart)), 401);
}

TEST_CASE("only unused bytes of the client's authenticator zone sign") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  HandClient celia = hub.registered("celia");
  const auto refused_with = [&](Reserved key) {
    http::Request sent = post_of("{}");
    hub.sign(carol, sent, std::move(key));
    check_unsigned(answer_of(hub.echo(), std::move(sent)), 401);
  };
  refused_with(carol.take(Zone::pad, kOneTimeMacKeySize));
  const Allocation of_hub{
      {carol.block(), carol.layout().begin(Side::hub, Zone::authenticator), kOneTimeMacKeySize}};
  refused_with({of_hub, carol.read(of_hub)});
  Reserved own = carol.take(Zone::authenticator, 16);
  Reserved other = celia.take(Zone::authenticator, 16);
  own.allocation.push_back(other.allocation[0]);
  own.bytes.append(other.bytes.view());
  refused_with(std::move(own));
  const Reserved unknown = carol.take(Zone::authenticator, kOneTimeMacKeySize);
  refused_with({{{store::test::random_id<BlockId>(), 0, kOneTimeMacKeySize}}, unknown.bytes.clone()});

  const Reserved used = carol.take(Zone::authenticator, kOneTimeMacKeySize);
  http::Request first = post_of("first");
  hub.sign(carol, first, Reserved{used.allocation, used.bytes.clone()});
  CHECK(answer_of(hub.echo(), std::move(first)).status() == 200);
  refused_with({used.allocation, used.bytes.clone()});
}

TEST_CASE("a key of several pieces signs") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  Reserved key = carol.take(Zone::authenticator, 8);
  (void)carol.take(Zone::authenticator, 8);
  const Reserved rest = carol.take(Zone::authenticator, 24);
  key.allocation.push_back(rest.allocation[0]);
  key.bytes.append(rest.bytes.view());
  http::Request sent = get_of();
  hub.sign(carol, sent, std::move(key));
  CHECK(answer_of(hub.echo(), std::move(sent)).status() == 200);
}

TEST_CASE("of one message sent many times at once a single one is let in") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  for (int round = 0; round < 10; ++round) {
    http::Request sent = post_of("{}");
    hub.sign(carol, sent);
    std::atomic<int> accepted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        if (answer_of(hub.echo(), copy_of(sent)).status() == 200) ++accepted;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(accepted == 1);
  }
}

TEST_CASE("an address with too many failures is answered 429 until time has passed, another is not") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  for (int i = 0; i < 2000; ++i) CHECK(answer_of(hub.echo(), get_of()).status() == 401);
  http::Request sent = get_of();
  hub.sign(carol, sent);
  const Answer refused = answer_of(hub.echo(), copy_of(sent));
  check_unsigned(refused, 429);
  CHECK_FALSE(refused.header("Retry-After").empty());
  http::Request from_elsewhere = copy_of(sent);
  from_elsewhere.peer_address = "192.0.2.8";
  CHECK(answer_of(hub.echo(), std::move(from_elsewhere)).status() == 200);
  hub.clock().set(hub.clock().now() + std::chrono::seconds(1));
  http::Request later = get_of();
  hub.sign(carol, later);
  CHECK(answer_of(hub.echo(), std::move(later)).status() == 200);
}

TEST_CASE("an answer that cannot be signed is an unsigned 503") {
  RunningHub hub;
  HandClient carol = hub.assign("carol");  // not registered: the hub may not send from this block
  http::Request sent = get_of();
  hub.sign(carol, sent);
  check_unsigned(answer_of(hub.echo(), std::move(sent)), 503);
}

TEST_CASE("the kind of an error decides the status of a signed refusal") {
  RunningHub hub;
  HandClient carol = hub.registered("carol");
  const auto status_of = [&](ErrorKind kind) {
    const http::Handler refusing = hub.authenticator().verified([kind](VerifiedRequest verified) {
      verified.refuse(Error{kind, "because"});
    });
    const Answer answer = hub.call(carol, refusing, get_of());
    CHECK(answer.body() == "{\"message\":\"because\"}");
    return answer.status();
  };
  CHECK(status_of(ErrorKind::invalid) == 400);
  CHECK(status_of(ErrorKind::unauthenticated) == 400);
  CHECK(status_of(ErrorKind::forbidden) == 403);
  CHECK(status_of(ErrorKind::not_found) == 404);
  CHECK(status_of(ErrorKind::conflict) == 409);
  CHECK(status_of(ErrorKind::exhausted) == 503);
  CHECK(status_of(ErrorKind::io) == 503);
  CHECK(status_of(ErrorKind::internal) == 500);
}

}  // namespace
}  // namespace dske::hub::test
