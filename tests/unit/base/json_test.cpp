#include "base/json.h"

#include <limits>

#include <doctest/doctest.h>

using namespace dske;
using namespace std::string_view_literals;

namespace {

json::Document parsed(std::string_view text) {
  auto document = json::Document::parse(text);
  REQUIRE_MESSAGE(document.has_value(), text);
  return std::move(*document);
}

std::string refusal(std::string_view text) {
  const auto document = json::Document::parse(text);
  if (document) return "";
  CHECK(document.error().kind == ErrorKind::invalid);
  return document.error().message;
}

std::string rewritten(std::string_view text) {
  json::Writer writer;
  writer.value(parsed(text).root());
  return writer.take_text();
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("each kind of value is what it is and nothing else") {
  const auto document =
      parsed(R"( {"n":null,"t":true,"f":false,"i":-7,"d":2.5,"s":"x","a":[1],"o":{"y":1}} )");
  const json::Value root = document.root();
  CHECK(root.is_object());
  CHECK(root.member("n")->is_null());
  CHECK(root.member("t")->boolean() == true);
  CHECK(root.member("f")->boolean() == false);
  CHECK(root.member("i")->integer() == -7);
  CHECK(root.member("i")->number() == -7.0);
  CHECK(root.member("d")->number() == 2.5);
  CHECK(!root.member("d")->integer());
  CHECK(root.member("s")->string() == "x");
  CHECK(root.member("a")->elements().size() == 1);
  CHECK(root.member("o")->member("y")->integer() == 1);
  CHECK(!root.member("absent"));
  CHECK(root.member_names() == std::vector<std::string_view>{"n", "t", "f", "i", "d", "s", "a", "o"});
  CHECK(root.member("n")->kind() == "null");
  CHECK(root.member("t")->kind() == "a boolean");
  CHECK(root.member("i")->kind() == "a number");
  CHECK(root.member("s")->kind() == "a string");
  CHECK(root.member("a")->kind() == "an array");
  CHECK(root.kind() == "an object");
  for (const std::string_view name : {"n", "t", "i", "s", "a"}) {
    CHECK(root.member(name)->member_names().empty());
    CHECK(!root.member(name)->member("x"));
  }
  CHECK(root.elements().empty());
  CHECK(!root.string());
  CHECK(!root.boolean());
  CHECK(!root.number());
}

TEST_CASE("integers are exact or they are none") {
  CHECK(parsed("9223372036854775807").root().integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(parsed("-9223372036854775808").root().integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(!parsed("9223372036854775808").root().integer());
  CHECK(!parsed("1.0").root().integer());
  CHECK(!parsed("1e3").root().integer());
  CHECK(parsed("9007199254740993").root().integer() == 9007199254740993);
  CHECK(parsed("0.1").root().number() == doctest::Approx(0.1));
  CHECK(parsed("0e40").root().number() == 0.0);
}

TEST_CASE("strings are unescaped, with zeros and surrogate pairs") {
  CHECK(parsed(R"("a\"\\\/\b\f\n\r\t\u0041")").root().string() == "a\"\\/\b\f\n\r\tA");
  CHECK(parsed(R"("\u00e9\u20ac\ud83d\ude00")").root().string() == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(parsed(R"("a\u0000b")").root().string() == "a\0b"sv);
  CHECK(parsed("\"\xc3\xa9\"").root().string() == "\xc3\xa9");
}

TEST_CASE("what RFC 8259 does not allow is refused") {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "[1 2]",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "-",
                                      "0x1",
                                      "1e",
                                      "NaN",
                                      "Infinity",
                                      "-Infinity",
                                      "nul",
                                      "True",
                                      "\"",
                                      "\"a",
                                      "\"\n\"",
                                      "\"\t\"",
                                      "\"\\x41\"",
                                      "\"\\u12\"",
                                      "\"\\ud83d\"",
                                      "\"\\ude00\"",
                                      "\"\\ud83d\\u0041\"",
                                      "// c\n1",
                                      "/* c */ 1",
                                      "\xef\xbb\xbf{}",
                                      "\"\xff\"",
                                      "\"\xc0\xaf\"",
                                      "\"\xed\xa0\x80\"",
                                      "1e400",
                                      "{1:2}"}) {
    CAPTURE(text);
    CHECK(!refusal(text).empty());
  }
}

TEST_CASE("nothing but white space may follow the value") {
  CHECK(refusal("{} \t\r\n").empty());
  for (const std::string_view text : {"{} {}", "{}x", "1 1", "[]]", "null,"}) CHECK(!refusal(text).empty());
  CHECK(!refusal("{}\0"sv).empty());
  CHECK(!refusal("{}\0x"sv).empty());
  CHECK(!refusal("\0{}"sv).empty());
  CHECK(!refusal("\"a\0b\""sv).empty());
}

TEST_CASE("a refusal says at which byte, and does not repeat the text") {
  CHECK(refusal("{\"a\": secret}").find("at byte 6") != std::string::npos);
  CHECK(refusal("{\"a\": secret}").find("secret") == std::string::npos);
}

TEST_CASE("a name may be there once in an object, and in another one again") {
  CHECK(refusal(R"({"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]})").empty());
  CHECK(refusal(R"({"a":1,"b":2,"a":1})").find("\"a\" appears twice") != std::string::npos);
  CHECK(!refusal(R"([{"x":{"a":1,"\u0061":2}}])").empty());
  CHECK(!refusal(R"({"":1,"":2})").empty());
  const std::string twice = "\"" + std::string(1000, 'n') + "\":1";
  CHECK(refusal("{" + twice + "," + twice + "}").size() < 200);
}

TEST_CASE("nesting is taken 32 deep and no deeper, however much deeper it is") {
  CHECK(refusal(nested(33)).empty());  // the innermost array is 32 below the outermost value
  CHECK(!refusal(nested(34)).empty());
  CHECK(!refusal(nested(100'000)).empty());
  CHECK(!refusal(std::string(1'000'000, '[')).empty());
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK(!refusal(objects).empty());
}

TEST_CASE("a document outlives the text it was read from and may be moved") {
  std::string text = R"({"name":"a rather long value, longer than a short string holds"})";
  auto first = parsed(text);
  text.assign(text.size(), 'x');
  const json::Document second = std::move(first);
  CHECK(second.root().member("name")->string() == "a rather long value, longer than a short string holds");
}

TEST_CASE("the writer writes compactly, in the order of the calls, and starts anew after take") {
  json::Writer writer;
  writer.begin_object().name("i").integer(-5).name("s").string("a\"\\\n\x01\xc3\xa9").name("b").boolean(true);
  writer.name("n")
      .null()
      .name("d")
      .number(0.1)
      .name("a")
      .begin_array()
      .integer(1)
      .begin_object()
      .end_object()
      .end_array();
  writer.name("k").base64(as_bytes("foob")).end_object();
  CHECK(writer.take_text() ==
        "{\"i\":-5,\"s\":\"a\\\"\\\\\\n\\u0001\xc3\xa9\",\"b\":true,\"n\":null,\"d\":0.1,"
        "\"a\":[1,{}],\"k\":\"Zm9vYg==\"}");
  writer.base64({});
  CHECK(writer.take().text() == "\"\"");
  json::Writer moved = std::move(writer);
  moved.integer(std::numeric_limits<std::int64_t>::min());
  CHECK(moved.take_text() == "-9223372036854775808");
}

TEST_CASE("numbers that JSON does not have are written as null") {
  json::Writer writer;
  writer.begin_array()
      .number(std::numeric_limits<double>::infinity())
      .number(std::numeric_limits<double>::quiet_NaN());
  writer.number(-std::numeric_limits<double>::infinity()).end_array();
  CHECK(writer.take_text() == "[null,null,null]");
}

TEST_CASE("a value is written as it was read") {
  for (const std::string_view text :
       {R"({"a":[1,-2,0.5,true,false,null,"\u0000x\n"],"b":{"c":{}},"":[[],[[]]]})", R"("\"")",
        "9223372036854775807", "-1", "[]", "2.0"}) {
    CHECK(rewritten(text) == text);
  }
  CHECK(rewritten(" [ 1 , \"\\u0041\" ] ") == "[1,\"A\"]");
}
