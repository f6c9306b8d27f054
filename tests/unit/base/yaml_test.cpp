#include "base/yaml.h"

#include <fstream>

#include <doctest/doctest.h>

#include "base/names.h"
#include "temporary_directory.h"

using namespace dske;

namespace {

yaml::Node parsed(const std::string& text) {
  const auto node = yaml::parse(text, "t.yaml");
  REQUIRE_MESSAGE(node.has_value(), text);
  return *node;
}

std::string refusal(const std::string& text) {
  const auto node = yaml::parse(text, "t.yaml");
  if (node) return "";
  CHECK(node.error().kind == ErrorKind::invalid);
  return node.error().message;
}

// Reads `text` with `read` and returns the reader's verdict, empty if it has none.
template <class Read>
std::string verdict(const std::string& text, Read read) {
  yaml::MappingReader reader(parsed(text));
  read(reader);
  const auto error = reader.finish();
  return error ? error->message : "";
}

}  // namespace

TEST_CASE("a document's nodes know their kind, text and place") {
  const auto root = parsed("name: a\nlist:\n  - 1\n  - [x, y]\nnone:\nmap: {k: v}\n");
  CHECK(root.is_mapping());
  CHECK(root.place() == "t.yaml:1:1");
  CHECK(root.member("name")->text() == "a");
  CHECK(root.member("name")->place() == "t.yaml:1:7");
  const auto list = root.member("list")->elements();
  REQUIRE(list.size() == 2);
  CHECK(list[0].is_scalar());
  CHECK(list[0].place() == "t.yaml:3:5");
  CHECK(list[1].is_sequence());
  CHECK(list[1].elements()[1].text() == "y");
  CHECK(list[1].elements()[1].place() == "t.yaml:4:9");
  CHECK(root.member("none")->is_null());
  CHECK(root.member("map")->member("k")->text() == "v");
  CHECK(!root.member("absent"));
  CHECK(root.elements().empty());
  CHECK(root.text().empty());
  CHECK(list[0].error("is wrong").message == "t.yaml:3:5: is wrong");
}

TEST_CASE("a node keeps its document alive") {
  std::optional<yaml::Node> inner;
  {
    const auto root = parsed("a: {b: {c: deep}}");
    inner = root.member("a")->member("b");
  }
  CHECK(inner->member("c")->text() == "deep");
}

TEST_CASE("an error of the language names file, line and column") {
  CHECK(refusal("a: b\nc: [1, 2\nd: e\n").find("t.yaml:3:2: not YAML: ") == 0);
  CHECK(refusal("a: b\n\tc: d\n").find("t.yaml:2:") == 0);
  CHECK(refusal("a: [1, 2]]\n").find("t.yaml:1:10: not YAML: ") == 0);
  CHECK(refusal("a: *\n").find("t.yaml:1:") == 0);
}

TEST_CASE("a name that is there twice is refused with its place") {
  CHECK(refusal("a: 1\nb: 2\na: 3\n") == "t.yaml:3:1: a: is there twice");
  CHECK(refusal("x:\n  - {k: 1, k: 2}\n") == "t.yaml:2:12: k: is there twice");
  CHECK(refusal("a: {k: 1}\nb: {k: 2}\n").empty());
}

TEST_CASE("anchors, aliases and merges of them are refused") {
  for (const std::string text : {"a: &x 1\nb: *x\n", "a: &x 1\n", "&r {a: 1}", "- &x [1]\n- *x\n", "a: &n\n",
                                 "? &k a\n: 1\n", "a: &m {x: 1}\nb:\n  <<: *m\n"}) {
    CAPTURE(text);
    CHECK(refusal(text) == "t.yaml: anchors and aliases are not supported");
  }
  // An alias bomb is found before it is unfolded.
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  CHECK(!refusal(bomb).empty());
}

TEST_CASE("names must be plain text") {
  CHECK(refusal("[a]: 1\n").find("t.yaml:1:1: a name must be plain text") == 0);
  CHECK(!refusal("? {a: b}\n: 1\n").empty());
  CHECK(!refusal("~: 1\n").empty());
}

TEST_CASE("nesting that is too deep is refused, in every style and far beyond too") {
  const auto sequence = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(refusal(sequence(33)).empty());  // the innermost is 32 below the outermost
  for (const std::size_t depth : {34U, 400U, 600U, 100'000U}) {
    CAPTURE(depth);
    CHECK(refusal(sequence(depth)).find("nested too deep") != std::string::npos);
  }
  std::string maps;
  std::string dashes;
  std::string indented;
  for (std::size_t i = 0; i < 700; ++i) {
    maps += "{a: ";
    dashes += "- ";
    indented += std::string(i, ' ') + "a:\n";
  }
  CHECK(refusal(maps).find("nested too deep") != std::string::npos);
  CHECK(refusal(dashes + "a").find("nested too deep") != std::string::npos);
  CHECK(refusal(indented).find("nested too deep") != std::string::npos);
}

TEST_CASE("one document of at most a mebibyte is taken") {
  CHECK(refusal("--- {a: 1}\n...\n").empty());
  CHECK(refusal("a: 1\n--- \nb: 2\n") == "t.yaml: holds more than one YAML document");
  CHECK(refusal("# " + std::string((1 << 20) - 3, 'x') + "\n").empty());
  CHECK(refusal("# " + std::string((1 << 20) - 2, 'x') + "\n") == "t.yaml: larger than 1048576 bytes");
}

TEST_CASE("an empty document is null") {
  for (const std::string text : {"", "\n", "# only a comment\n", "---\n"}) CHECK(parsed(text).is_null());
}

TEST_CASE("a file is read with its own name in errors") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "hub.yaml";
  std::ofstream(path) << "port: 1\nport: 2\n";
  CHECK(yaml::parse_file(path).error().message == path.string() + ":2:1: port: is there twice");
  CHECK(yaml::parse_file(directory.path() / "absent").error().kind == ErrorKind::io);
}

TEST_CASE("a mapping is taken apart, and defaults stand for what is absent") {
  const std::string text =
      "name: hub-1\nport: 8100\non: true\nlist: [a, b]\nnodes: [{x: 1}, {x: 2}]\ninner: {k: v}\n";
  const std::string found = verdict(text, [](yaml::MappingReader& reader) {
    CHECK(reader.parsed<HubName>("name").text() == "hub-1");
    CHECK(reader.integer("port", 1, 65535) == 8100);
    CHECK(reader.boolean("on"));
    CHECK(reader.texts("list") == std::vector<std::string>{"a", "b"});
    CHECK(reader.one_or_more("list") == std::vector<std::string>{"a", "b"});
    CHECK(reader.sequence("nodes").size() == 2);
    CHECK(reader.mapping("inner")->member("k")->text() == "v");
    CHECK(reader.has("on"));
    CHECK(!reader.has("off"));
    CHECK(reader.text("a", "b") == "b");
    CHECK(reader.integer("c", 1, 9, 5) == 5);
    CHECK(!reader.boolean("off", false));
    CHECK(reader.sequence("d").empty());
    CHECK(reader.texts("e").empty());
    CHECK(reader.one_or_more("e").empty());
    CHECK(!reader.mapping("f"));
  });
  CHECK(found.empty());
}

TEST_CASE("a single value stands for a list of one where that is meant") {
  CHECK(verdict("l: a", [](auto& reader) {
          CHECK(reader.one_or_more("l") == std::vector<std::string>{"a"});
        }).empty());
  CHECK(verdict("l: {a: b}", [](auto& reader) { reader.one_or_more("l"); }) ==
        "t.yaml:1:4: l: must be a list");
}

TEST_CASE("a wrong member is told with its place and the first one counts") {
  const std::string text = "a: 1\nb: [x]\nc: {k: v}\n";
  CHECK(verdict(text, [](auto& reader) { reader.text("b"); }) == "t.yaml:2:4: b: must be a single value");
  CHECK(verdict(text, [](auto& reader) { reader.text("z"); }) == "t.yaml:1:1: z: is missing");
  CHECK(verdict(text, [](auto& reader) { reader.integer("a", 2, 9); }) ==
        "t.yaml:1:4: a: must be an integer from 2 to 9");
  CHECK(verdict(text, [](auto& reader) { reader.boolean("a"); }) == "t.yaml:1:4: a: must be true or false");
  CHECK(verdict(text, [](auto& reader) { reader.sequence("a"); }) == "t.yaml:1:4: a: must be a list");
  CHECK(verdict(text, [](auto& reader) { reader.mapping("b"); }) ==
        "t.yaml:2:4: b: must be a mapping (name: value)");
  CHECK(verdict("l: [a, [b]]", [](auto& reader) { reader.texts("l"); }) ==
        "t.yaml:1:8: l: must be a list of single values");
  CHECK(verdict("h: a/b", [](auto& reader) {
          reader.template parsed<HubName>("h");
        }).find("t.yaml:1:4: h: a node's name") == 0);
  CHECK(verdict(text, [](auto& reader) {
          reader.boolean("a");
          reader.text("z");
          reader.fail("c", "is worse");
        }) == "t.yaml:1:4: a: must be true or false");
}

TEST_CASE("an integer is decimal digits in range and nothing else") {
  for (const std::string value :
       {"x", "1x", "1.0", "0x10", "1e3", "+1", "' 1'", "1_000", "99999999999999999999", "[1]", "''", "~"}) {
    CAPTURE(value);
    CHECK(!verdict("n: " + value, [](auto& reader) { reader.integer("n", -1000, 1000); }).empty());
  }
  CHECK(verdict("n: -1000", [](auto& reader) { CHECK(reader.integer("n", -1000, 1000) == -1000); }).empty());
}

TEST_CASE("a name that nobody asked for is an error with its place") {
  CHECK(verdict("a: 1\nprot: 2\n", [](auto& reader) { reader.text("a"); }) ==
        "t.yaml:2:1: prot: is not known here");
}

TEST_CASE("what is no mapping is refused whatever is asked") {
  for (const std::string text : {"[a]", "a", ""}) {
    const auto found = verdict(text, [](yaml::MappingReader& reader) {
      CHECK(reader.failed());
      CHECK(reader.text("a").empty());
    });
    CHECK(found.find("must be a mapping") != std::string::npos);
  }
}
