// Get key: the query, a newline, then the body. Whatever is accepted must keep to the limits.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/utf8.h"
#include "etsi014/key_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske;
  using namespace dske::etsi014;
  static const SaePair saes{SaeId::parse("alice").value(), SaeId::parse("bob").value()};
  static constexpr std::string_view kSupported[] = {"abc_x"};
  Limits limits;
  limits.max_sae_id_count = 3;

  const std::string_view input = as_text({data, size});
  const std::size_t newline = std::min(input.find('\n'), input.size());
  const std::string_view query = input.substr(0, newline);
  const std::string_view body = input.substr(std::min(newline + 1, input.size()));
  const auto request = parse_key_request(query, body, saes, limits, kSupported);
  if (!request) {
    const SecretBytes answer = to_json(request.error());
    if (request.error().status != 400 || request.error().message.empty() || !is_utf8(answer.text()))
      std::abort();
    return 0;
  }
  if (request->number < 1 || request->number > limits.max_key_per_request) std::abort();
  if (request->size_bits < limits.min_key_size_bits || request->size_bits > limits.max_key_size_bits)
    std::abort();
  if (request->size_bits % 8 != 0) std::abort();
  const auto& additional = request->additional_slave_sae_ids;
  std::set<SaeId> distinct(additional.begin(), additional.end());
  distinct.insert(saes.master);
  distinct.insert(saes.slave);
  if (additional.size() > limits.max_sae_id_count || distinct.size() != additional.size() + 2) std::abort();
  for (const auto& [name, value] : request->mandatory_extensions) {
    if (name != "abc_x") std::abort();
  }
  return 0;
}
