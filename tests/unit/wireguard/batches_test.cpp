#include "wireguard/batches.h"

#include <doctest/doctest.h>

#include "dske/fixed_randomness.h"
#include "wireguard/outbox.h"

namespace dske::wireguard {
namespace {

Link link(std::uint8_t number) {
  std::array<std::uint8_t, 32> from{};
  std::array<std::uint8_t, 32> to{};
  from[0] = number;
  to[31] = 7;
  return {PublicKey(from), PublicKey(to)};
}

LinkedMessage state_of(std::uint8_t number, Session session = Session::live) {
  return {link(number), StateMessage{std::nullopt, session, true, true}};
}

LinkedMessage applied_to(std::uint8_t number) {
  return {link(number), AppliedMessage{}};
}

}  // namespace

TEST_CASE("a batch and its answer survive their texts") {
  const Batch batch{AdapterId{1, 2}, {state_of(1), state_of(2, Session::down)}};
  const auto parsed = parse_batch("state", to_json(batch));
  REQUIRE(parsed.has_value());
  CHECK(parsed->sender == batch.sender);
  REQUIRE(parsed->messages.size() == 2);
  CHECK(parsed->messages[1].link == link(2));
  CHECK(to_json(*parsed) == to_json(batch));

  const BatchAnswer answer{{state_of(3)}, {link(4), link(5)}};
  const auto answered = parse_batch_answer(to_json(answer));
  REQUIRE(answered.has_value());
  CHECK(to_json(*answered) == to_json(answer));
  CHECK(answered->unknown == answer.unknown);
}

TEST_CASE("one message that is wrong spoils the batch, and so does one too many") {
  const std::string good = to_json(Batch{{}, {state_of(1), applied_to(2)}});
  CHECK_FALSE(parse_batch("state", good).has_value());
  CHECK_FALSE(parse_batch("applied", good).has_value());
  CHECK_FALSE(parse_batch("state", to_json(Batch{{}, {}})).has_value());
  Batch many;
  many.messages.assign(kBatchMost, state_of(1));
  CHECK(parse_batch("state", to_json(many)).has_value());
  many.messages.push_back(state_of(1));
  CHECK_FALSE(parse_batch("state", to_json(many)).has_value());
  CHECK_FALSE(parse_batch("state", R"({"adapter":"00","tunnels":[]})").has_value());
}

TEST_CASE("the longest batch of messages fits into a body") {
  Batch batch;
  const RefuseMessage longest{KeyId(), Refusal::previous, std::string(1000, '\x01')};
  batch.messages.assign(kBatchMost, LinkedMessage{link(1), longest});
  CHECK(to_json(batch).size() < kBatchBytesMost);
  CHECK(collected_to_json(batch.messages).size() < kBatchBytesMost);
}

TEST_CASE("of what is collected, the messages that can be read are taken") {
  const std::string text = collected_to_json({state_of(1), applied_to(2)});
  const auto both = parse_collected(text);
  REQUIRE(both.has_value());
  CHECK(both->size() == 2);
  const std::size_t at = text.find("applied");
  REQUIRE(at != std::string::npos);
  const auto one = parse_collected(std::string(text).replace(at, 7, "unheard"));
  REQUIRE(one.has_value());
  CHECK(one->size() == 1);
  CHECK_FALSE(parse_collected("{}").has_value());
}

TEST_CASE("an outbox holds one message of each kind and tunnel, the newest") {
  Outbox outbox;
  int answered = 0;
  const auto count = [&answered](const Result<std::optional<StateMessage>>&) { ++answered; };
  for (int i = 0; i < 1000; ++i) outbox.put(state_of(1, Session::down), count);
  outbox.put(state_of(1, Session::idle), count);
  outbox.put(state_of(2), count);
  outbox.put(applied_to(1), count);
  const auto states = outbox.take_kind(10);
  REQUIRE(states.size() == 2);
  CHECK(std::get<StateMessage>(states[0].message.message).session == Session::idle);
  CHECK(answered == 0);
  CHECK(outbox.take_kind(10).size() == 1);
  CHECK(outbox.empty());
  CHECK(outbox.take_kind(10).empty());
}

TEST_CASE("a kind that has much to say leaves the others their turn") {
  Outbox outbox;
  for (std::uint8_t i = 0; i < 9; ++i) outbox.put(state_of(i), {});
  outbox.put(applied_to(3), {});
  CHECK(outbox.take_kind(4).size() == 4);
  const auto other = outbox.take_kind(4);
  REQUIRE(other.size() == 1);
  CHECK(kind_of(other[0].message.message) == "applied");
  CHECK(outbox.take_any(4).size() == 4);
  outbox.forget(link(8));
  CHECK(outbox.empty());
}

}  // namespace dske::wireguard
