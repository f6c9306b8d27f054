#include "wireguard/messages.h"

#include <string>

#include <doctest/doctest.h>

#include "dske/fixed_randomness.h"

namespace dske::wireguard {
namespace {

Link some_link() {
  std::array<std::uint8_t, 32> bytes{};
  bytes[3] = 9;
  return {PublicKey(bytes), PublicKey()};
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("every message survives its text") {
  dske::test::ReproducibleRandomness randomness(4);
  const KeyId id = KeyId::random(randomness);
  RecoverMessage recover{id,
                         {Source::dske, Source::tls, Source::file, Source::previous},
                         TlsSecretId{1},
                         FileTag{2},
                         KeyId::random(randomness),
                         Proof{3}};
  const StateMessage state{id, Session::idle, true};
  for (const Message& message :
       {Message(StateMessage{}), Message(state), Message(recover),
        Message(ConfirmMessage{id, Proof{4}, state}), Message(RefuseMessage{id, Refusal::policy, "no"}),
        Message(AppliedMessage{id, true})}) {
    const std::string text = to_json(some_link(), message);
    CAPTURE(text);
    const auto parsed = parse_message(kind_of(message), text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->link.from == some_link().from);
    CHECK(parsed->link.to == some_link().to);
    CHECK(parsed->message.index() == message.index());
    CHECK(to_json(parsed->link, parsed->message) == text);
    CHECK_FALSE(parse_message("other", text).has_value());
  }
}

TEST_CASE("what is not a message is refused") {
  dske::test::ReproducibleRandomness randomness(5);
  const KeyId id = KeyId::random(randomness);
  const std::string text = to_json(
      some_link(),
      RecoverMessage{id, {Source::dske, Source::tls}, TlsSecretId{1}, std::nullopt, std::nullopt, {}});
  REQUIRE(parse_message("recover", text).has_value());
  CHECK(parse_message("recover", replaced(text, "{", R"({"of_a_later_version":1,)")).has_value());
  for (const std::string& bad :
       {std::string(), std::string("[]"), replaced(text, "\"from\"", "\"of\""),
        replaced(text, "\"dske\",\"tls\"", "\"tls\",\"dske\""), replaced(text, "\"dske\"", "\"tls\""),
        replaced(text, "\"dske\"", "\"quantum\""), replaced(text, "\"dske\",\"tls\"", ""),
        replaced(text, "0100", "01"), replaced(text, "0100", "zz00"), replaced(text, id.text(), "1-2-3"),
        replaced(text, "\"proof\"", "\"evidence\"")}) {
    CAPTURE(bad);
    const auto parsed = parse_message("recover", bad);
    CHECK_FALSE(parsed.has_value());
  }
}

}  // namespace dske::wireguard
