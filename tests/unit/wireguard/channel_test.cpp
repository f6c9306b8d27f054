// The adapters' channel over real connections.
#include <algorithm>
#include <future>
#include <thread>

#include <doctest/doctest.h>

#include "channel_end.h"

namespace dske::wireguard::test {
namespace {

Link link(std::uint8_t first, std::uint8_t second = 0) {
  std::array<std::uint8_t, 32> a{first, second};
  std::array<std::uint8_t, 32> b{first, second, 1};
  return {PublicKey(a), PublicKey(b)};
}

template <class Kind>
bool has_heard(const ChannelEnd& end) {
  return std::any_of(end.heard.begin(), end.heard.end(),
                     [](const Message& message) { return std::holds_alternative<Kind>(message); });
}

struct Ends {
  http::test::TestCertificates authority;
  ChannelEnd alice{authority, "alice"};
  ChannelEnd bob{authority, "bob"};
  const Link tunnel = link(1);  // from alice

  // Both know the tunnel; whoever listens is called.
  void connect() {
    alice.add(tunnel, "bob", bob.port() != 0 ? bob.url() : "");
    bob.add(tunnel.reversed(), "alice", alice.port() != 0 ? alice.url() : "");
  }
};

const StateMessage kLive{std::nullopt, Session::live, true, true};
const StateMessage kIdle{std::nullopt, Session::idle, false, true};

}  // namespace

TEST_CASE("two adapters that can call each other compare, tell, and hold the same secret") {
  Ends ends;
  ends.alice.listen();
  ends.bob.listen();
  ends.connect();
  ends.bob.set_state(ends.tunnel.reversed(), kIdle);
  const auto other = ends.alice.compare(ends.tunnel, kLive);
  REQUIRE_MESSAGE(other.has_value(), (other ? "" : other.error().message));
  CHECK(*other == kIdle);
  CHECK(ends.bob.eventually([&] { return std::get<StateMessage>(ends.bob.heard.at(0)) == kLive; }));
  CHECK(ends.alice.send(ends.tunnel, AppliedMessage{}).has_value());
  CHECK(ends.bob.eventually([&] { return has_heard<AppliedMessage>(ends.bob); }));
  CHECK(ends.bob.send(ends.tunnel.reversed(), RefuseMessage{}).has_value());
  CHECK(ends.alice.eventually([&] { return has_heard<RefuseMessage>(ends.alice); }));

  const auto secret = ends.alice.newest_secret(ends.tunnel);
  REQUIRE(secret.has_value());
  const auto same = ends.bob.secret(ends.tunnel.reversed(), secret->id);
  REQUIRE(same.has_value());
  CHECK(constant_time_equal(secret->secret.view(), same->secret.view()));
  CHECK_FALSE(ends.bob.secret(ends.tunnel.reversed(), TlsSecretId{}).has_value());
}

TEST_CASE("an adapter that cannot call says what it has to say to the one that does") {
  Ends ends;
  ends.bob.listen();
  ends.connect();
  const auto early = ends.bob.send(ends.tunnel.reversed(), AppliedMessage{});
  CHECK_FALSE(early.has_value());  // nobody has called
  const auto other = ends.alice.compare(ends.tunnel, kLive);
  REQUIRE(other.has_value());
  CHECK_FALSE(other->dials);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(ends.bob.send(ends.tunnel.reversed(), AppliedMessage{}).has_value());
    CHECK(ends.alice.eventually([&] { return has_heard<AppliedMessage>(ends.alice); }));
    (void)ends.alice.eventually([&] {
      ends.alice.heard.clear();
      return true;
    });
  }
  CHECK(ends.bob.send(ends.tunnel.reversed(), ConfirmMessage{KeyId(), {}, kLive}).has_value());
  CHECK(ends.alice.eventually([&] {
    return has_heard<ConfirmMessage>(ends.alice) &&
           !std::get<ConfirmMessage>(ends.alice.heard.front()).state.dials;
  }));
  CHECK(ends.alice.newest_secret(ends.tunnel)->id == ends.bob.newest_secret(ends.tunnel.reversed())->id);
}

TEST_CASE(
    "an adapter that does not reach the other one at present has what it says collected, until it does") {
  Ends ends;
  ends.alice.listen();
  ends.alice.stop_listening();  // nobody answers there now
  ends.bob.listen();
  ends.connect();
  CHECK_FALSE(ends.bob.send(ends.tunnel.reversed(), AppliedMessage{}).has_value());
  const auto other = ends.alice.compare(ends.tunnel, kLive);
  REQUIRE(other.has_value());
  CHECK_FALSE(other->dials);
  REQUIRE(ends.bob.send(ends.tunnel.reversed(), AppliedMessage{}).has_value());
  CHECK(ends.alice.eventually([&] { return has_heard<AppliedMessage>(ends.alice); }));
  CHECK_FALSE(ends.bob.compare(ends.tunnel.reversed(), kLive).has_value());

  ends.alice.listen(ends.alice.port());
  CHECK(ends.bob.compare(ends.tunnel.reversed(), kLive).has_value());
  const auto now = ends.alice.compare(ends.tunnel, kLive);
  REQUIRE(now.has_value());
  CHECK(now->dials);
  REQUIRE(ends.bob.send(ends.tunnel.reversed(), RefuseMessage{}).has_value());
  CHECK(ends.alice.eventually(
      [&] { return has_heard<RefuseMessage>(ends.alice) && ends.alice.requests == 2; }));
}

TEST_CASE("tunnels with one adapter at two of its addresses each get what is for them") {
  Ends ends;
  ends.bob.listen();
  const Link other = link(2);
  ends.alice.add(ends.tunnel, "bob", ends.bob.url());
  ends.alice.add(other, "bob", "https://localhost:" + std::to_string(ends.bob.port()));
  for (const Link& one : {ends.tunnel, other}) {
    ends.bob.add(one.reversed(), "alice", "");
    REQUIRE(ends.alice.compare(one, kLive).has_value());
  }
  for (int i = 0; i < 5; ++i) {
    REQUIRE(ends.bob.send(ends.tunnel.reversed(), AppliedMessage{}).has_value());
    REQUIRE(ends.bob.send(other.reversed(), RefuseMessage{}).has_value());
    CHECK(ends.alice.eventually(
        [&] { return has_heard<AppliedMessage>(ends.alice) && has_heard<RefuseMessage>(ends.alice); }));
    (void)ends.alice.eventually([&] {
      ends.alice.heard.clear();
      return true;
    });
  }
}

TEST_CASE("two adapters of one SAE that both call each get what is for them") {
  http::test::TestCertificates authority;
  ChannelEnd first(authority, "alice");
  ChannelEnd second(authority, "alice");
  ChannelEnd bob(authority, "bob");
  bob.listen();
  for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
    ChannelEnd& end = number == 1 ? first : second;
    end.add(link(number), "bob", bob.url());
    bob.add(link(number).reversed(), "alice", "");
    REQUIRE(end.compare(link(number), kLive).has_value());
  }
  REQUIRE(bob.send(link(1).reversed(), AppliedMessage{}).has_value());
  REQUIRE(bob.send(link(2).reversed(), RefuseMessage{}).has_value());
  CHECK(first.eventually([&] { return has_heard<AppliedMessage>(first); }));
  CHECK(second.eventually([&] { return has_heard<RefuseMessage>(second); }));
  CHECK(first.eventually([&] { return !has_heard<RefuseMessage>(first); }));
}

TEST_CASE("another SAE than the configured one is told nothing, and may say nothing") {
  Ends ends;
  ends.bob.listen();
  ends.alice.add(ends.tunnel, "carol", ends.bob.url());
  const auto refused = ends.alice.compare(ends.tunnel, kLive);
  REQUIRE_FALSE(refused.has_value());
  CHECK_MESSAGE(refused.error().message.find("not that of the SAE carol") != std::string::npos,
                refused.error().message);
  CHECK(ends.bob.eventually([&] { return ends.bob.requests == 0; }));

  const Link other = link(2);
  ends.bob.add(other.reversed(), "carol", "");
  ends.alice.add(other, "bob", ends.bob.url());
  const auto unknown = ends.alice.compare(other, kLive);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().kind == ErrorKind::not_found);
  CHECK(ends.bob.eventually([&] { return ends.bob.requests == 1 && ends.bob.heard.empty(); }));
}

TEST_CASE("a tunnel that the other end does not know yet is asked about soon again") {
  http::test::TestCertificates authority;
  ChannelEnd alice(authority, "alice", std::chrono::hours(1));
  ChannelEnd bob(authority, "bob");
  bob.listen();
  alice.add(link(1), "bob", bob.url());
  CHECK_FALSE(alice.compare(link(1), kLive).has_value());
  CHECK(alice.eventually([&] { return alice.comparisons_due == 1; }));
}

TEST_CASE("many tunnels with one adapter share its requests") {
  Ends ends;
  ends.bob.listen();
  const std::size_t count = kBatchMost + 44;
  for (std::size_t i = 0; i < count; ++i) {
    const Link one = link(static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8U));
    ends.alice.add(one, "bob", ends.bob.url());
    ends.bob.add(one.reversed(), "alice", "");
  }
  for (const auto& other : ends.alice.compare_all(kLive)) CHECK(other.has_value());
  CHECK(ends.bob.eventually([&] { return ends.bob.requests == 2; }));
}

TEST_CASE("messages that follow each other share requests: there is a rest after each") {
  Ends ends;
  ends.bob.listen();
  const std::size_t count = 200;
  const auto number = [](std::size_t i) { return link(static_cast<std::uint8_t>(i)); };
  for (std::size_t i = 0; i < count; ++i) {
    ends.alice.add(number(i), "bob", ends.bob.url());
    ends.bob.add(number(i).reversed(), "alice", "");
  }
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    ends.alice.send_and_forget(number(i), AppliedMessage{});
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  CHECK(ends.bob.eventually([&] { return ends.bob.heard.size() == count; }));
  const auto rests = (std::chrono::steady_clock::now() - began) / std::chrono::milliseconds(20);
  CHECK(ends.bob.eventually([&] { return ends.bob.requests <= rests + 1; }));
}

TEST_CASE("an adapter that asks too often is told so, and others of another SAE are answered") {
  Ends ends;
  ends.bob.listen(0, 1);
  ends.connect();
  Result<StateMessage> told = ends.alice.compare(ends.tunnel, kLive);
  for (int i = 0; i < 50 && told; ++i) told = ends.alice.compare(ends.tunnel, kLive);
  REQUIRE_FALSE(told.has_value());
  CHECK_MESSAGE(told.error().message.find("429: adapters of this SAE ask too often") != std::string::npos,
                told.error().message);
  CHECK(ends.alice.reaches(ends.tunnel));  // it was answered

  ChannelEnd carol(ends.authority, "carol");
  carol.add(link(2), "bob", ends.bob.url());
  ends.bob.add(link(2).reversed(), "carol", "");
  const auto other = carol.compare(link(2), kLive);
  CHECK_MESSAGE(other.has_value(), (other ? "" : other.error().message));
}

TEST_CASE("an adapter that went away is called again and again, and compared with once it is back") {
  Ends ends;
  ends.bob.listen();
  ends.connect();
  REQUIRE(ends.alice.compare(ends.tunnel, kLive).has_value());
  ends.bob.stop_listening();
  const auto lost = ends.alice.compare(ends.tunnel, kLive);
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().kind == ErrorKind::unavailable);
  int due = 0;
  REQUIRE(ends.alice.eventually([&] {
    due = ends.alice.comparisons_due;
    return true;
  }));
  CHECK(ends.alice.eventually([&] { return ends.alice.comparisons_due > due; }));
  ends.bob.listen(ends.bob.port());
  Result<StateMessage> back = ends.alice.compare(ends.tunnel, kLive);
  for (int i = 0; i < 5 && !back; ++i) back = ends.alice.compare(ends.tunnel, kLive);
  CHECK_MESSAGE(back.has_value(), (back ? "" : back.error().message));
}

TEST_CASE("a tunnel that is gone is not told of what came for it") {
  Ends ends;
  ends.bob.listen();
  ends.connect();
  ends.alice.add(link(9), "bob", ends.bob.url());  // keeps the link
  REQUIRE(ends.alice.compare(ends.tunnel, kLive).has_value());
  ends.alice.remove(ends.tunnel);
  REQUIRE(ends.bob.send(ends.tunnel.reversed(), AppliedMessage{}).has_value());
  CHECK_FALSE(ends.alice.compare(link(9), kLive).has_value());
  CHECK(ends.alice.eventually([&] { return ends.alice.heard.empty(); }));
}

TEST_CASE("of an SAE's adapters the last four to call are remembered") {
  http::test::TestCertificates authority;
  const auto loop = http::ClientLoop::start();
  SystemRandomness randomness;
  std::promise<void> done;
  loop->post([&] {
    AdapterLinks links({}, std::chrono::seconds(5), *loop, randomness);
    const SaeId sae = *SaeId::parse("alice");
    const auto first = links.mailbox_of(sae, AdapterId{1});
    const auto second = links.mailbox_of(sae, AdapterId{2});
    for (std::uint8_t i = 3; i < 5; ++i) CHECK(links.mailbox_of(sae, AdapterId{i}) != first);
    CHECK(links.mailbox_of(sae, AdapterId{1}) == first);
    CHECK(links.mailbox_of(sae, AdapterId{5}) != second);
    CHECK(links.mailbox_of(sae, AdapterId{1}) == first);
    CHECK(links.mailbox_of(sae, AdapterId{2}) != second);
    CHECK(links.mailbox_of(*SaeId::parse("bob"), AdapterId{1}) != first);
    CHECK(links.link_to(sae, "https://a") != links.link_to(sae, "https://b"));
    const auto link = links.link_to(sae, "https://a");
    CHECK(links.link_to(sae, "https://a") == link);
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace dske::wireguard::test
