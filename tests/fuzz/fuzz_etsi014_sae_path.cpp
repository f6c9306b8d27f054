// Paths of the standard. What is accepted names an SAE whose own path is read back as the same; no error
// leaves the range that the standard gives it.
#include <cstdlib>

#include "base/utf8.h"
#include "etsi014/sae_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske;
  using namespace dske::etsi014;
  const std::string_view path = as_text({data, size});
  const auto read = parse_sae_path(path);
  if (!read) {
    const ApiError& error = read.error();
    if ((error.status != 400 && error.status != 404) || error.message.empty()) std::abort();
    if (!is_utf8(to_json(error).text())) std::abort();
    return 0;
  }
  const std::string written = sae_path(read->sae, read->resource);
  for (const char letter : written) {
    if (letter <= ' ' || letter > '~') std::abort();  // it goes into a request line as it is
  }
  const auto again = parse_sae_path(written);
  if (!again || !(again->sae == read->sae) || again->resource != read->resource) std::abort();
  if (sae_path(again->sae, again->resource) != written) std::abort();
  return 0;
}
