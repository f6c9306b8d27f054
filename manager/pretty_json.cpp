#include "manager/pretty_json.h"

#include <string>

namespace dske::manager {
namespace {

void append_line(SecretBytes& text, std::size_t depth) {
  text.append("\n");
  text.append(std::string(2 * depth, ' '));
}

// A scalar or an empty container, as the writer has it.
void append_plain(SecretBytes& text, json::Value value) {
  json::Writer writer;
  writer.value(value);
  text.append(writer.take().view());
}

void append_value(SecretBytes& text, json::Value value, std::size_t depth) {
  const auto names = value.member_names();
  const auto elements = value.elements();
  if (names.empty() && elements.empty()) return append_plain(text, value);
  text.append(names.empty() ? "[" : "{");
  bool first = true;
  const auto begin_item = [&] {
    if (!first) text.append(",");
    first = false;
    append_line(text, depth + 1);
  };
  for (const std::string_view name : names) {
    begin_item();
    json::Writer writer;
    writer.string(name);
    text.append(writer.take().view());
    text.append(": ");
    append_value(text, *value.member(name), depth + 1);
  }
  for (const json::Value& element : elements) {
    begin_item();
    append_value(text, element, depth + 1);
  }
  append_line(text, depth);
  text.append(names.empty() ? "]" : "}");
}

}  // namespace

SecretBytes pretty_json(json::Value value) {
  SecretBytes text;
  append_value(text, value, 0);
  text.append("\n");
  return text;
}

}  // namespace dske::manager
