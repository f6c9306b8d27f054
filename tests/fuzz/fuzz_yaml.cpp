// The configuration reader refuses or takes any text without a crash, and every error names its place.
#include <cstdlib>

#include "base/bytes.h"
#include "base/names.h"
#include "base/yaml.h"

using namespace dske;

namespace {

void visit(const yaml::Node& node) {
  if (node.place().compare(0, 4, "file") != 0) std::abort();
  for (const yaml::Node& element : node.elements()) visit(element);
  if (!node.is_mapping()) return;
  yaml::MappingReader reader(node);
  static_cast<void>(reader.text("name", "none"));
  static_cast<void>(reader.integer("port", 1, 65535, 80));
  static_cast<void>(reader.boolean("on", false));
  static_cast<void>(reader.texts("list"));
  static_cast<void>(reader.sequence("nodes"));
  if (const auto inner = reader.mapping("inner")) visit(*inner);
  static_cast<void>(reader.parsed<HubName>("hub"));
  if (const auto error = reader.finish(); error && error->message.compare(0, 4, "file") != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto root = yaml::parse(as_text({data, size}), "file");
  if (root) {
    visit(*root);
  } else if (root.error().message.compare(0, 4, "file") != 0) {
    std::abort();
  }
  return 0;
}
