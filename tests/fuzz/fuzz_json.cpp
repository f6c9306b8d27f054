// A text that is accepted is written back as one that is accepted and written the same; the readers take
// anything.
#include <cstdlib>

#include "base/json.h"
#include "base/names.h"

using namespace dske;

namespace {

SecretBytes written(const json::Document& document) {
  json::Writer writer;
  writer.value(document.root());
  return writer.take();
}

void read_as_message(const json::Value& value) {
  json::ObjectReader reader(value, "message");
  static_cast<void>(reader.string("s", 16));
  static_cast<void>(reader.integer("i", -5, 5));
  static_cast<void>(reader.boolean("b"));
  static_cast<void>(reader.base64("k", 1, 32));
  for (const json::Value& element : reader.array("a", 4)) static_cast<void>(element.number());
  static_cast<void>(reader.object("o").member_names());
  static_cast<void>(reader.any("v").kind());
  static_cast<void>(reader.parsed<SaeId>("id"));
  static_cast<void>(reader.finish(json::UnknownMembers::refuse));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = json::Document::parse(as_text({data, size}));
  if (!document) return 0;
  read_as_message(document->root());
  const SecretBytes once = written(*document);
  const auto again = json::Document::parse(once.text());
  if (!again) std::abort();
  // Numbers with a fraction or exponent are not exact.
  const bool exact = once.text().find_first_of(".eE") == std::string_view::npos;
  if (exact && written(*again).text() != once.text()) std::abort();
  return 0;
}
