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

std::string text_of(const LinkedMessage& message) {
  json::Writer writer;
  write_message(writer, message);
  return writer.take_text();
}

Result<LinkedMessage> parse(std::string_view kind, std::string_view text) {
  const auto document = json::Document::parse(text);
  if (!document) return document.error();
  return read_message(kind, document->root());
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
    const std::string text = text_of({some_link(), message});
    CAPTURE(text);
    const auto parsed = parse(kind_of(message), text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->link.from == some_link().from);
    CHECK(parsed->link.to == some_link().to);
    CHECK(parsed->message.index() == message.index());
    CHECK(text_of(*parsed) == text);
    CHECK_FALSE(parse("other", text).has_value());
  }
}

TEST_CASE("what is not a message is refused") {
  dske::test::ReproducibleRandomness randomness(5);
  const KeyId id = KeyId::random(randomness);
  const std::string text = text_of(
      {some_link(),
       RecoverMessage{id, {Source::dske, Source::tls}, TlsSecretId{1}, std::nullopt, std::nullopt, {}}});
  REQUIRE(parse("recover", text).has_value());
  CHECK(parse("recover", replaced(text, "{", R"({"of_a_later_version":1,)")).has_value());
  for (const std::string& bad :
       {std::string(), std::string("[]"), replaced(text, "\"from\"", "\"of\""),
        replaced(text, "\"dske\",\"tls\"", "\"tls\",\"dske\""), replaced(text, "\"dske\"", "\"tls\""),
        replaced(text, "\"dske\"", "\"quantum\""), replaced(text, "\"dske\",\"tls\"", ""),
        replaced(text, "0100", "01"), replaced(text, "0100", "zz00"), replaced(text, id.text(), "1-2-3"),
        replaced(text, "\"proof\"", "\"evidence\"")}) {
    CAPTURE(bad);
    const auto parsed = parse("recover", bad);
    CHECK_FALSE(parsed.has_value());
  }
}

TEST_CASE("a refusal's detail is cut between two characters") {
  const std::string text =
      text_of({some_link(), RefuseMessage{KeyId(), Refusal::no_key,
                                          "x" + std::string("\u00e4") + std::string(253, 'y') + "\u00e4"}});
  const auto parsed = parse("refuse", text);
  REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error().message));
  CHECK(std::get<RefuseMessage>(parsed->message).detail == "x\u00e4" + std::string(253, 'y'));
  const std::string many =
      text_of({some_link(), RefuseMessage{KeyId(), Refusal::no_key, std::string(255, 'y') + "\u00e4"}});
  CHECK(std::get<RefuseMessage>(parse("refuse", many)->message).detail == std::string(255, 'y'));
}

}  // namespace dske::wireguard
