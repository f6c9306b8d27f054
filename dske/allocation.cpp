#include "dske/allocation.h"

#include <charconv>
#include <optional>

namespace dske {
namespace {

constexpr std::uint64_t kPositionMost = (std::uint64_t{1} << 48) - 1;

std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value > kPositionMost) return std::nullopt;
  return value;
}

Result<Fragment> parse_fragment(std::string_view text) {
  const auto first = text.find(':');
  const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) return invalid("a fragment is BLOCK_UUID:START:SIZE");
  auto block = BlockId::parse(text.substr(0, first));
  if (!block) return block.error();
  const auto start = parse_position(text.substr(first + 1, second - first - 1));
  const auto size = parse_position(text.substr(second + 1));
  if (!start || !size || *size == 0)
    return invalid("a fragment's START and SIZE are decimal numbers, SIZE not 0");
  return Fragment{*block, *start, *size};
}

bool overlap(const Fragment& a, const Fragment& b) {
  return a.block == b.block && a.start < b.end() && b.start < a.end();
}

// Appends `fragment` unless the rules for a list forbid it.
Result<void> append_checked(Allocation& allocation, const Fragment& fragment) {
  if (allocation.size() == kFragmentsMost) return invalid("an allocation has at most 64 fragments");
  for (const Fragment& earlier : allocation) {
    if (overlap(earlier, fragment)) return invalid("fragments overlap");
  }
  allocation.push_back(fragment);
  return {};
}

}  // namespace

std::uint64_t allocation_size(const Allocation& allocation) {
  std::uint64_t size = 0;
  for (const Fragment& fragment : allocation) size += fragment.size;
  return size;
}

std::string allocation_text(const Allocation& allocation) {
  std::string text;
  for (const Fragment& fragment : allocation) {
    if (!text.empty()) text += ',';
    text +=
        fragment.block.text() + ':' + std::to_string(fragment.start) + ':' + std::to_string(fragment.size);
  }
  return text;
}

Result<Allocation> parse_allocation(std::string_view text) {
  Allocation allocation;
  while (true) {
    const auto comma = text.find(',');
    auto fragment = parse_fragment(text.substr(0, comma));
    if (!fragment) return fragment.error();
    if (auto appended = append_checked(allocation, *fragment); !appended) return appended.error();
    if (comma == std::string_view::npos) return allocation;
    text.remove_prefix(comma + 1);
  }
}

void write_allocation(json::Writer& writer, std::string_view name, const Allocation& allocation) {
  writer.name(name).begin_array();
  for (const Fragment& fragment : allocation) {
    writer.begin_object();
    writer.name("block_uuid").string(fragment.block.text());
    writer.name("start").integer(static_cast<std::int64_t>(fragment.start));
    writer.name("size").integer(static_cast<std::int64_t>(fragment.size));
    writer.end_object();
  }
  writer.end_array();
}

Allocation read_allocation(json::ObjectReader& reader, std::string_view name) {
  Allocation allocation;
  for (const json::Value& element : reader.array(name, kFragmentsMost)) {
    json::ObjectReader fragment_reader(element, "fragment");
    Fragment fragment;
    fragment.block = fragment_reader.parsed<BlockId>("block_uuid", Uuid::kTextLength);
    fragment.start = static_cast<std::uint64_t>(fragment_reader.integer("start", 0, kPositionMost));
    fragment.size = static_cast<std::uint64_t>(fragment_reader.integer("size", 1, kPositionMost));
    if (const auto fault = fragment_reader.finish(json::UnknownMembers::refuse)) {
      reader.fail(name, fault->message);
      return {};
    }
    if (auto appended = append_checked(allocation, fragment); !appended) {
      reader.fail(name, appended.error().message);
      return {};
    }
  }
  if (allocation.empty()) reader.fail(name, "must name at least one fragment");
  return allocation;
}

}  // namespace dske
