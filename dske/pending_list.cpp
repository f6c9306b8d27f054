#include "dske/pending_list.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/json.h"

namespace dske {
namespace {

constexpr std::int64_t kCursorMost = std::numeric_limits<std::int64_t>::max();

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value > std::uint64_t{kCursorMost})
    return std::nullopt;
  return value;
}

}  // namespace

std::string PendingQuestion::query() const {
  return "after=" + std::to_string(cursor) + "&wait=" + std::to_string(wait.count());
}

Result<PendingQuestion> PendingQuestion::parse(std::string_view query) {
  std::optional<std::uint64_t> after;
  std::optional<std::uint64_t> wait;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    if (name != "after" && name != "wait") return invalid("unknown query parameter");
    auto& value = name == "after" ? after : wait;
    if (value) return invalid(std::string(name) + " is there twice");
    value = number(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return invalid(std::string(name) + " must be a whole number");
  }
  const auto wait_most = static_cast<std::uint64_t>(kWaitMost.count());
  return PendingQuestion{after.value_or(0), std::chrono::seconds(std::min(wait.value_or(0), wait_most))};
}

SecretBytes PendingList::write() const {
  json::Writer writer;
  writer.begin_object().name("bundles").begin_array();
  for (const BundleName& bundle : bundles) {
    writer.begin_object();
    writer.name("initiator").string(bundle.initiator.text());
    writer.name("bundle_id").string(bundle.id.text());
    writer.end_object();
  }
  writer.end_array().name("more").boolean(more);
  writer.name("cursor").integer(static_cast<std::int64_t>(cursor)).end_object();
  return writer.take();
}

Result<PendingList> PendingList::parse(std::string_view body) {
  auto document = json::Document::parse(body);
  if (!document) return document.error().within("pending list");
  json::ObjectReader reader(document->root(), "pending list");
  PendingList list;
  for (const json::Value& element : reader.array("bundles", kBundlesMost)) {
    json::ObjectReader bundle(element, "bundle");
    ClientName initiator = bundle.parsed<ClientName>("initiator");
    const BundleId id = bundle.parsed<BundleId>("bundle_id");
    if (const auto fault = bundle.finish(json::UnknownMembers::refuse)) return *fault;
    list.bundles.push_back({std::move(initiator), id});
  }
  list.more = reader.boolean("more");
  list.cursor = static_cast<std::uint64_t>(reader.integer("cursor", 0, kCursorMost));
  if (auto fault = reader.finish(json::UnknownMembers::refuse)) return *fault;
  return list;
}

}  // namespace dske
