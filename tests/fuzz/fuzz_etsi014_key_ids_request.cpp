// Get key with key IDs: the query, a newline, then the body. Whatever is accepted names distinct keys, and
// the same keys again when it is written in the standard's form.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>

#include "base/utf8.h"
#include "etsi014/key_ids_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske;
  using namespace dske::etsi014;
  const std::string_view input = as_text({data, size});
  const std::size_t newline = std::min(input.find('\n'), input.size());
  const auto ids =
      parse_key_ids_request(input.substr(0, newline), input.substr(std::min(newline + 1, input.size())));
  if (!ids) {
    const SecretBytes answer = to_json(ids.error());
    if (ids.error().status != 400 || ids.error().message.empty() || !is_utf8(answer.text())) std::abort();
    return 0;
  }
  if (ids->empty() || std::set<KeyId>(ids->begin(), ids->end()).size() != ids->size()) std::abort();
  std::string body;
  for (const KeyId& id : *ids)
    body += (body.empty() ? "{\"key_ID\":\"" : ",{\"key_ID\":\"") + id.text() + "\"}";
  const auto again = parse_key_ids_request("", "{\"key_IDs\":[" + body + "]}");
  if (!again || *again != *ids) std::abort();
  return 0;
}
