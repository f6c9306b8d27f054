#include <doctest/doctest.h>

#include "base/json.h"
#include "base/names.h"

using namespace dske;

namespace {

// Reads `text` with `read` and returns the reader's verdict, empty if it has none.
template <class Read>
std::string verdict(std::string_view text, Read read,
                    json::UnknownMembers unknown = json::UnknownMembers::refuse) {
  const auto document = json::Document::parse(text);
  REQUIRE(document.has_value());
  json::ObjectReader reader(document->root(), "share");
  read(reader);
  const auto error = reader.finish(unknown);
  CHECK(reader.failed() == error.has_value());
  if (error) CHECK(error->kind == ErrorKind::invalid);
  return error ? error->message : "";
}

}  // namespace

TEST_CASE("an object is taken apart member by member") {
  const std::string text =
      R"({"s":"text","i":3,"b":true,"k":"Zm9v","a":[1,2],"o":{"x":1},"v":null,"hub":"hub-1"})";
  const std::string found = verdict(text, [](json::ObjectReader& reader) {
    CHECK(reader.string("s", 4) == "text");
    CHECK(reader.integer("i", 3, 3) == 3);
    CHECK(reader.boolean("b"));
    CHECK(reader.base64("k", 3, 3).text() == "foo");
    CHECK(reader.array("a", 2).size() == 2);
    CHECK(reader.object("o").member("x")->integer() == 1);
    CHECK(reader.any("v").is_null());
    CHECK(reader.parsed<HubName>("hub").text() == "hub-1");
    CHECK(reader.has("s"));
    CHECK(!reader.has("t"));
  });
  CHECK(found.empty());
}

TEST_CASE("the first thing that is wrong is told, with the member's name") {
  const std::string found = verdict(R"({"a":1,"b":"x"})", [](json::ObjectReader& reader) {
    CHECK(reader.string("missing", 10).empty());
    CHECK(reader.integer("b", -1, 5) == -1);
    CHECK(reader.base64("a", 0, 1).empty());
  });
  CHECK(found == "share: missing: is missing");
}

TEST_CASE("a member of another kind is refused by every getter") {
  using Getter = void (*)(json::ObjectReader&);
  const std::pair<std::string_view, Getter> getters[] = {
      {"is a number, not a string", [](json::ObjectReader& r) { CHECK(r.string("m", 9).empty()); }},
      {"is a number, not a string", [](json::ObjectReader& r) { CHECK(r.base64("m", 0, 9).empty()); }},
      {"is a number, not an array", [](json::ObjectReader& r) { CHECK(r.array("m", 9).empty()); }},
      {"is a number, not an object", [](json::ObjectReader& r) { CHECK(r.object("m").is_object()); }},
      {"must be true or false", [](json::ObjectReader& r) { CHECK(!r.boolean("m")); }},
      {"must be an integer from 0 to 9", [](json::ObjectReader& r) { CHECK(r.integer("m", 0, 9) == 0); }}};
  for (const auto& [reason, getter] : getters) {
    CHECK(verdict(R"({"m":1.5})", getter) == "share: m: " + std::string(reason));
    CHECK(verdict("{}", getter) == "share: m: is missing");
  }
}

TEST_CASE("limits are inclusive") {
  const std::string text = R"({"s":"abcd","i":5,"k":"Zm9v","a":[1,2,3]})";
  const auto check = [&](std::string_view message, auto read) {
    CHECK(verdict(text, read, json::UnknownMembers::ignore) == message);
  };
  check("", [](auto& reader) { reader.string("s", 4); });
  check("share: s: is longer than 3 bytes", [](auto& reader) { reader.string("s", 3); });
  check("", [](auto& reader) { reader.integer("i", 5, 5); });
  check("share: i: must be an integer from 0 to 4", [](auto& reader) { reader.integer("i", 0, 4); });
  check("share: i: must be an integer from 6 to 9", [](auto& reader) { reader.integer("i", 6, 9); });
  check("", [](auto& reader) { static_cast<void>(reader.base64("k", 3, 3)); });
  check("share: k: must be 4 bytes in base64",
        [](auto& reader) { static_cast<void>(reader.base64("k", 4, 4)); });
  check("share: k: must be 4 to 9 bytes in base64",
        [](auto& reader) { static_cast<void>(reader.base64("k", 4, 9)); });
  check("share: k: must be 0 to 2 bytes in base64",
        [](auto& reader) { static_cast<void>(reader.base64("k", 0, 2)); });
  check("share: s: not standard padded base64", [](auto& reader) {
    static_cast<void>(reader.string("s", 4));
    reader.fail("s", "not standard padded base64");
  });
  check("", [](auto& reader) { reader.array("a", 3); });
  check("share: a: has more than 2 elements", [](auto& reader) { reader.array("a", 2); });
}

TEST_CASE("base64 that is none is refused") {
  CHECK(verdict(R"({"k":"Zm9"})", [](auto& reader) { CHECK(reader.base64("k", 0, 9).empty()); }) ==
        "share: k: not standard padded base64");
}

TEST_CASE("a member that was not asked for is refused or ignored, as the caller says") {
  const auto read = [](json::ObjectReader& reader) { reader.integer("a", 0, 9); };
  CHECK(verdict(R"({"a":1,"extra":2})", read) == "share: extra: is not known here");
  CHECK(verdict(R"({"a":1,"extra":2})", read, json::UnknownMembers::ignore).empty());
  CHECK(verdict("{\"a\":1,\"" + std::string(1000, 'x') + "\":2}", read).size() < 200);
}

TEST_CASE("what is no object is refused whatever is asked") {
  const auto read = [](json::ObjectReader& reader) {
    CHECK(reader.failed());
    CHECK(!reader.has("a"));
    CHECK(reader.string("a", 9).empty());
    CHECK(reader.any("a").is_array());
  };
  CHECK(verdict("[1]", read) == "share: is an array, not an object");
  CHECK(verdict("[1]", read, json::UnknownMembers::ignore) == "share: is an array, not an object");
}

TEST_CASE("a parsed member's error is the type's own") {
  const auto found = verdict(R"({"hub":"no/name"})", [](auto& reader) {
    CHECK(reader.template parsed<HubName>("hub").text().empty());
  });
  CHECK(found.find("share: hub: a node's name is") == 0);
}
