#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/writer.h>

#include "base/base64.h"
#include "base/utf8.h"

namespace dske::json {
namespace {

constexpr unsigned kDepthMost = 32;
// RapidJSON's pool grows by this many bytes; the first piece lies inside the Document.
constexpr std::size_t kPoolBytes = 4096;

// RapidJSON's allocator concept over malloc, wiping what it frees; the size stands before each piece.
class WipingAllocator {
 public:
  [[maybe_unused]] static const bool kNeedFree =
      true;  // NOLINT(readability-identifier-naming): RapidJSON's name

  void* Malloc(std::size_t size) {  // NOLINT(readability-identifier-naming)
    if (size == 0) return nullptr;
    auto* start = static_cast<std::size_t*>(std::malloc(size + kHeader));
    if (start == nullptr) std::abort();
    *start = size;
    return reinterpret_cast<char*>(start) + kHeader;
  }
  void* Realloc(void* old, std::size_t old_size, std::size_t size) {  // NOLINT(readability-identifier-naming)
    void* made = Malloc(size);
    if (old != nullptr && made != nullptr) std::memcpy(made, old, std::min(old_size, size));
    Free(old);
    return made;
  }
  static void Free(void* piece) noexcept {  // NOLINT(readability-identifier-naming)
    if (piece == nullptr) return;
    auto* start = reinterpret_cast<std::size_t*>(static_cast<char*>(piece) - kHeader);
    wipe({static_cast<std::uint8_t*>(piece), *start});
    std::free(start);
  }

 private:
  static constexpr std::size_t kHeader = alignof(std::max_align_t);
};

using Pool = rapidjson::MemoryPoolAllocator<WipingAllocator>;
using RawDocument = rapidjson::GenericDocument<rapidjson::UTF8<>, Pool, WipingAllocator>;
using RawValue = rapidjson::GenericValue<rapidjson::UTF8<>, Pool>;

const RawValue& raw(const void* pointer) {
  return *static_cast<const RawValue*>(pointer);
}

std::string_view text_of(const RawValue& value) {
  return {value.GetString(), value.GetStringLength()};
}

// A member's name for a message: its first 64 bytes or so, cut between characters, control characters
// replaced.
std::string shown(std::string_view name) {
  std::size_t length = std::min<std::size_t>(name.size(), 64);
  while (length > 0 && length < name.size() && (static_cast<unsigned char>(name[length]) & 0xc0) == 0x80)
    --length;
  std::string text(name.substr(0, length));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, '?');
  return text;
}

// Depth, encoding and repeated names; nothing if the value is fine.
std::optional<std::string> structural_fault(const RawValue& value, unsigned depth) {
  if (depth > kDepthMost) return "nested deeper than " + std::to_string(kDepthMost);
  if (value.IsString()) {
    if (!is_utf8(text_of(value))) return "a string that is not UTF-8";
  } else if (value.IsArray()) {
    for (const auto& element : value.GetArray()) {
      if (auto fault = structural_fault(element, depth + 1)) return fault;
    }
  } else if (value.IsObject()) {
    std::set<std::string_view> names;
    for (const auto& member : value.GetObject()) {
      if (!is_utf8(text_of(member.name))) return "a name that is not UTF-8";
      if (!names.insert(text_of(member.name)).second) {
        return "the name \"" + shown(text_of(member.name)) + "\" appears twice in one object";
      }
      if (auto fault = structural_fault(member.value, depth + 1)) return fault;
    }
  }
  return std::nullopt;
}

// An output stream of RapidJSON's that writes into wiped memory.
struct SecretStream {
  using Ch = char;
  void Put(char c) { text.push_back(static_cast<std::uint8_t>(c)); }  // NOLINT(readability-identifier-naming)
  void Flush() {}                                                     // NOLINT(readability-identifier-naming)
  SecretBytes text;
};

}  // namespace

struct Document::Content {
  SecretBytes text;
  WipingAllocator base;
  Pool pool{kPoolBytes, &base};
  RawDocument document{&pool, kPoolBytes / 4, &base};
};

Document::Document(std::unique_ptr<Content> content) : content_(std::move(content)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text) {
  auto content = std::make_unique<Content>();
  content->text.reserve(text.size() + 1);
  content->text.append(text);
  content->text.push_back(0);
  if (text.find('\0') != std::string_view::npos) return invalid("not JSON: a zero byte");
  // Not with kParseValidateEncodingFlag: RapidJSON 1.1.0 then reads beyond the text when it ends within a
  // character, and takes lone low surrogates (\udc00). structural_fault() checks every string instead.
  // Nor with kParseFullPrecisionFlag, which computes clz(0) for 0e-117.
  content->document.ParseInsitu<rapidjson::kParseIterativeFlag>(
      reinterpret_cast<char*>(content->text.data()));
  if (content->document.HasParseError()) {
    return invalid(std::string("not JSON: ") +
                   rapidjson::GetParseError_En(content->document.GetParseError()) + " (at byte " +
                   std::to_string(content->document.GetErrorOffset()) + ")");
  }
  if (auto fault = structural_fault(content->document, 0)) return invalid("unacceptable JSON: " + *fault);
  return Document(std::move(content));
}

Value Document::root() const {
  return Value(static_cast<const RawValue*>(&content_->document));
}

bool Value::is_null() const {
  return raw(raw_).IsNull();
}
bool Value::is_object() const {
  return raw(raw_).IsObject();
}
bool Value::is_array() const {
  return raw(raw_).IsArray();
}
bool Value::is_string() const {
  return raw(raw_).IsString();
}
bool Value::is_bool() const {
  return raw(raw_).IsBool();
}
bool Value::is_number() const {
  return raw(raw_).IsNumber();
}

std::string_view Value::kind() const {
  if (is_object()) return "an object";
  if (is_array()) return "an array";
  if (is_string()) return "a string";
  if (is_bool()) return "a boolean";
  if (is_number()) return "a number";
  return "null";
}

std::optional<std::string_view> Value::string() const {
  if (!is_string()) return std::nullopt;
  return text_of(raw(raw_));
}

std::optional<bool> Value::boolean() const {
  if (!is_bool()) return std::nullopt;
  return raw(raw_).GetBool();
}

std::optional<std::int64_t> Value::integer() const {
  if (!raw(raw_).IsInt64()) return std::nullopt;
  return raw(raw_).GetInt64();
}

std::optional<double> Value::number() const {
  if (!is_number()) return std::nullopt;
  return raw(raw_).GetDouble();
}

std::vector<Value> Value::elements() const {
  std::vector<Value> all;
  if (!is_array()) return all;
  const auto& array = raw(raw_);
  all.reserve(array.Size());
  for (const auto& element : array.GetArray()) all.push_back(Value(&element));
  return all;
}

std::optional<Value> Value::member(std::string_view name) const {
  if (!is_object()) return std::nullopt;
  for (const auto& member : raw(raw_).GetObject()) {
    if (text_of(member.name) == name) return Value(&member.value);
  }
  return std::nullopt;
}

std::vector<std::string_view> Value::member_names() const {
  std::vector<std::string_view> names;
  if (!is_object()) return names;
  for (const auto& member : raw(raw_).GetObject()) names.push_back(text_of(member.name));
  return names;
}

ObjectReader::ObjectReader(Value value, std::string what) : value_(value), what_(std::move(what)) {
  if (!value_.is_object()) error_ = invalid(what_ + ": is " + std::string(value_.kind()) + ", not an object");
}

bool ObjectReader::has(std::string_view name) const {
  return value_.member(name).has_value();
}

void ObjectReader::fail(std::string_view name, std::string_view reason) {
  if (!error_) error_ = invalid(what_ + ": " + std::string(name) + ": " + std::string(reason));
}

std::optional<Value> ObjectReader::get(std::string_view name) {
  if (error_) return std::nullopt;
  asked_.emplace_back(name);
  auto member = value_.member(name);
  if (!member) fail(name, "is missing");
  return member;
}

std::string_view ObjectReader::string(std::string_view name, std::size_t most_bytes) {
  const auto member = get(name);
  if (!member) return {};
  const auto text = member->string();
  if (!text) {
    fail(name, "is " + std::string(member->kind()) + ", not a string");
    return {};
  }
  if (text->size() > most_bytes) {
    fail(name, "is longer than " + std::to_string(most_bytes) + " bytes");
    return {};
  }
  return *text;
}

std::int64_t ObjectReader::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto member = get(name);
  if (!member) return least;
  const auto value = member->integer();
  if (!value || *value < least || *value > most) {
    fail(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return least;
  }
  return *value;
}

bool ObjectReader::boolean(std::string_view name) {
  const auto member = get(name);
  if (!member) return false;
  const auto value = member->boolean();
  if (!value) fail(name, "must be true or false");
  return value.value_or(false);
}

SecretBytes ObjectReader::base64(std::string_view name, std::size_t least, std::size_t most) {
  const std::string_view text = string(name, base64_length(most));
  if (failed()) return {};
  auto bytes = base64_decode(text);
  if (!bytes) {
    fail(name, bytes.error().message);
    return {};
  }
  if (bytes->size() < least || bytes->size() > most) {
    fail(name, least == most
                   ? "must be " + std::to_string(least) + " bytes in base64"
                   : "must be " + std::to_string(least) + " to " + std::to_string(most) + " bytes in base64");
    return {};
  }
  return std::move(*bytes);
}

std::vector<Value> ObjectReader::array(std::string_view name, std::size_t most) {
  const auto member = get(name);
  if (!member) return {};
  if (!member->is_array()) {
    fail(name, "is " + std::string(member->kind()) + ", not an array");
    return {};
  }
  auto elements = member->elements();
  if (elements.size() > most) {
    fail(name, "has more than " + std::to_string(most) + " elements");
    return {};
  }
  return elements;
}

Value ObjectReader::object(std::string_view name) {
  const auto member = get(name);
  if (!member) return value_;
  if (!member->is_object()) {
    fail(name, "is " + std::string(member->kind()) + ", not an object");
    return value_;
  }
  return *member;
}

Value ObjectReader::any(std::string_view name) {
  const auto member = get(name);
  return member ? *member : value_;
}

std::optional<Error> ObjectReader::finish(UnknownMembers unknown) {
  if (error_ || unknown == UnknownMembers::ignore) return error_;
  for (const std::string_view name : value_.member_names()) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) {
      fail(shown(name), "is not known here");
      break;
    }
  }
  return error_;
}

struct Writer::Content {
  SecretStream stream;
  rapidjson::Writer<SecretStream> writer{stream};
};

Writer::Writer() : content_(std::make_unique<Content>()) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Writer& Writer::begin_object() {
  content_->writer.StartObject();
  return *this;
}
Writer& Writer::end_object() {
  content_->writer.EndObject();
  return *this;
}
Writer& Writer::begin_array() {
  content_->writer.StartArray();
  return *this;
}
Writer& Writer::end_array() {
  content_->writer.EndArray();
  return *this;
}
Writer& Writer::name(std::string_view name) {
  content_->writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  return *this;
}
Writer& Writer::string(std::string_view text) {
  content_->writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return *this;
}
Writer& Writer::integer(std::int64_t value) {
  content_->writer.Int64(value);
  return *this;
}
Writer& Writer::number(double value) {
  if (!std::isfinite(value)) return null();
  content_->writer.Double(value);
  return *this;
}
Writer& Writer::boolean(bool value) {
  content_->writer.Bool(value);
  return *this;
}
Writer& Writer::null() {
  content_->writer.Null();
  return *this;
}
Writer& Writer::base64(ByteView bytes) {
  // Raw, so that no escape table is looked up by secret characters; the digits need no escapes.
  SecretBytes text;
  text.reserve(base64_length(bytes.size()) + 2);
  text.push_back('"');
  append_base64(text, bytes);
  text.push_back('"');
  content_->writer.RawValue(text.text().data(), text.size(), rapidjson::kStringType);
  return *this;
}
Writer& Writer::value(Value value) {
  if (value.is_object()) {
    begin_object();
    for (const std::string_view member : value.member_names()) {
      name(member);
      this->value(*value.member(member));
    }
    return end_object();
  }
  if (value.is_array()) {
    begin_array();
    for (const Value& element : value.elements()) this->value(element);
    return end_array();
  }
  if (const auto text = value.string()) return string(*text);
  if (const auto truth = value.boolean()) return boolean(*truth);
  if (const auto whole = value.integer()) return integer(*whole);
  if (const auto real = value.number()) return number(*real);
  return null();
}

SecretBytes Writer::take() {
  SecretBytes text = std::move(content_->stream.text);
  content_ = std::make_unique<Content>();
  return text;
}

std::string Writer::take_text() {
  return std::string(take().text());
}

}  // namespace dske::json
