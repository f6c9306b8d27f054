#include "base/yaml.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <utility>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "base/file.h"

namespace dske::yaml {
namespace {

constexpr std::size_t kFileMost = std::size_t{1} << 20;
constexpr unsigned kDepthMost = 32;

std::string place_of(const std::string& file, const YAML::Mark& mark) {
  if (mark.is_null()) return file;
  return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

}  // namespace

struct Node::Content {
  YAML::Node node;
  std::string file;
};

namespace {

// Repeated names, keys that are no scalars, depth: the faults that yaml-cpp lets pass.
std::optional<Error> structural_fault(const YAML::Node& node, const std::string& file, unsigned depth) {
  if (depth > kDepthMost) return invalid(place_of(file, node.Mark()) + ": nested too deep");
  if (node.IsSequence()) {
    for (const auto& element : node) {
      if (auto fault = structural_fault(element, file, depth + 1)) return fault;
    }
  } else if (node.IsMap()) {
    std::set<std::string> names;
    for (const auto& member : node) {
      if (!member.first.IsScalar())
        return invalid(place_of(file, member.first.Mark()) + ": a name must be plain text");
      if (!names.insert(member.first.Scalar()).second) {
        return invalid(place_of(file, member.first.Mark()) + ": " + member.first.Scalar() +
                       ": is there twice");
      }
      if (auto fault = structural_fault(member.second, file, depth + 1)) return fault;
    }
  }
  return std::nullopt;
}

// Whether the text uses an anchor or alias: they could make a small file large, and no configuration needs
// them.
class AliasFinder final : public YAML::EventHandler {
 public:
  [[nodiscard]] bool found() const { return found_; }
  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t anchor) override { note(anchor); }
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override { found_ = true; }
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& /*value*/) override {
    note(anchor);
  }
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    note(anchor);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    note(anchor);
  }
  void OnMapEnd() override {}

 private:
  void note(YAML::anchor_t anchor) { found_ = found_ || anchor != YAML::NullAnchor; }
  bool found_ = false;
};

}  // namespace

Result<Node> parse(std::string_view text, const std::string& file) {
  if (text.size() > kFileMost) return invalid(file + ": larger than " + std::to_string(kFileMost) + " bytes");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    AliasFinder aliases;
    parser.HandleNextDocument(aliases);
    if (aliases.found()) return invalid(file + ": anchors and aliases are not supported");
    if (parser.HandleNextDocument(aliases)) return invalid(file + ": holds more than one YAML document");
    const YAML::Node root = YAML::Load(std::string(text));
    if (auto fault = structural_fault(root, file, 0)) return *fault;
    return Node(std::make_shared<Node::Content>(Node::Content{root, file}));
  } catch (const YAML::DeepRecursion& error) {  // yaml-cpp's own limit, before the document is whole
    return invalid(place_of(file, error.mark) + ": nested too deep");
  } catch (const YAML::Exception& error) {
    return invalid(place_of(file, error.mark) + ": not YAML: " + error.msg);
  }
}

Result<Node> parse_file(const std::filesystem::path& path) {
  auto text = read_file(path, kFileMost);
  if (!text) return text.error();
  return parse(text->text(), path.string());
}

bool Node::is_mapping() const {
  return content_->node.IsMap();
}
bool Node::is_sequence() const {
  return content_->node.IsSequence();
}
bool Node::is_scalar() const {
  return content_->node.IsScalar();
}
bool Node::is_null() const {
  return content_->node.IsNull();
}

std::string Node::text() const {
  return is_scalar() ? content_->node.Scalar() : std::string();
}

std::vector<Node> Node::elements() const {
  std::vector<Node> all;
  if (!is_sequence()) return all;
  for (const auto& element : content_->node) {
    all.push_back(Node(std::make_shared<Content>(Content{element, content_->file})));
  }
  return all;
}

std::optional<Node> Node::member(std::string_view name) const {
  if (!is_mapping()) return std::nullopt;
  for (const auto& member : content_->node) {
    if (member.first.Scalar() == name)
      return Node(std::make_shared<Content>(Content{member.second, content_->file}));
  }
  return std::nullopt;
}

std::string Node::place() const {
  return place_of(content_->file, content_->node.Mark());
}

Error Node::error(const std::string& reason) const {
  return invalid(place() + ": " + reason);
}

MappingReader::MappingReader(Node node) : node_(std::move(node)) {
  if (!node_.is_mapping()) error_ = node_.error("must be a mapping (name: value)");
}

bool MappingReader::has(std::string_view name) const {
  return node_.member(name).has_value();
}

void MappingReader::fail(std::string_view name, const std::string& reason) {
  if (error_) return;
  const auto member = node_.member(name);
  error_ = (member ? *member : node_).error(std::string(name) + ": " + reason);
}

void MappingReader::fail(const Error& error) {
  if (!error_) error_ = error;
}

std::optional<Node> MappingReader::get(std::string_view name, bool required) {
  if (error_) return std::nullopt;
  asked_.emplace_back(name);
  auto member = node_.member(name);
  if (!member && required) fail(name, "is missing");
  return member;
}

std::string MappingReader::text(std::string_view name, std::optional<std::string> otherwise) {
  const auto member = get(name, !otherwise);
  if (!member) return std::move(otherwise).value_or("");
  if (!member->is_scalar()) {
    fail(name, "must be a single value");
    return {};
  }
  return member->text();
}

std::int64_t MappingReader::integer(std::string_view name, std::int64_t least, std::int64_t most,
                                    std::optional<std::int64_t> otherwise) {
  const auto member = get(name, !otherwise);
  if (!member) return otherwise.value_or(least);
  const std::string digits = member->text();
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || fault != std::errc() || end != digits.data() + digits.size() || value < least ||
      value > most) {
    fail(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return least;
  }
  return value;
}

bool MappingReader::boolean(std::string_view name, std::optional<bool> otherwise) {
  const auto member = get(name, !otherwise);
  if (!member) return otherwise.value_or(false);
  const std::string value = member->text();
  if (value != "true" && value != "false") fail(name, "must be true or false");
  return value == "true";
}

std::vector<Node> MappingReader::sequence(std::string_view name) {
  const auto member = get(name, false);
  if (!member) return {};
  if (!member->is_sequence()) {
    fail(name, "must be a list");
    return {};
  }
  return member->elements();
}

std::vector<std::string> MappingReader::texts(std::string_view name) {
  std::vector<std::string> all;
  for (const Node& element : sequence(name)) {
    if (!element.is_scalar()) {
      fail(element.error(std::string(name) + ": must be a list of single values"));
      return {};
    }
    all.push_back(element.text());
  }
  return all;
}

std::vector<std::string> MappingReader::one_or_more(std::string_view name) {
  const auto member = get(name, false);
  if (member && member->is_scalar()) return {member->text()};
  return texts(name);
}

std::optional<Node> MappingReader::mapping(std::string_view name) {
  auto member = get(name, false);
  if (!member) return std::nullopt;
  if (!member->is_mapping()) {
    fail(name, "must be a mapping (name: value)");
    return std::nullopt;
  }
  return member;
}

std::optional<Error> MappingReader::finish() {
  if (error_ || !node_.is_mapping()) return error_;
  for (const auto& member : node_.content_->node) {
    if (std::find(asked_.begin(), asked_.end(), member.first.Scalar()) == asked_.end()) {
      return invalid(place_of(node_.content_->file, member.first.Mark()) + ": " + member.first.Scalar() +
                     ": is not known here");
    }
  }
  return error_;
}

}  // namespace dske::yaml
