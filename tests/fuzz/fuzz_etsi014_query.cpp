// Query strings. Whatever is in them, a known name has one value or none, and the parameters written again
// are read as the same.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/percent_encoding.h"
#include "base/utf8.h"
#include "etsi014/query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske;
  using namespace dske::etsi014;
  const std::vector<std::string_view> known = {"number", "size", "key_ID"};
  const auto query = Query::parse(as_text({data, size}), known);
  if (!query) {
    if (query.error().status != 400 || query.error().message.empty()) std::abort();
    if (!is_utf8(to_json(query.error()).text())) std::abort();
    return 0;
  }
  std::string written;
  for (const std::string_view name : known) {
    if (query->has(name) != query->value(name).has_value()) std::abort();
    if (!query->has(name)) continue;
    written += (written.empty() ? "" : "&") + std::string(name) + "=" + percent_encode(*query->value(name));
  }
  const auto again = Query::parse(written, known);
  if (!again) std::abort();
  for (const std::string_view name : known) {
    if (again->value(name) != query->value(name)) std::abort();
  }
  if (!written.empty() && Query::parse(written + "&" + written, known)) std::abort();  // every name twice
  return 0;
}
