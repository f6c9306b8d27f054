// A KME's answers as a client reads them: key container, status and error. What is accepted is written and
// read back as the same.
#include <cstdlib>
#include <set>

#include "base/utf8.h"
#include "etsi014/limits.h"
#include "etsi014/reader.h"

using namespace dske;
using namespace dske::etsi014;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void read_keys(std::string_view json) {
  const auto keys = read_key_container(json);
  if (!keys) return require(!keys.error().message.empty());
  std::set<KeyId> ids;
  for (const Key& key : *keys) require(!key.value.empty() && ids.insert(key.id).second);
  require(!ids.empty());
  const SecretBytes written = key_container_json(*keys);
  const auto again = read_key_container(written.text());
  require(again && again->size() == keys->size());
  for (std::size_t i = 0; i < keys->size(); ++i) {
    const bool same = (*again)[i].id == (*keys)[i].id &&
                      constant_time_equal((*again)[i].value.view(), (*keys)[i].value.view());
    require(same);
  }
}

void read_a_status(std::string_view json) {
  const auto status = read_status(json);
  if (!status) return require(!status.error().message.empty());
  require(checked_limits(status->limits).has_value());
  require(status->stored_key_count <= status->limits.max_key_count);
  const SecretBytes written = to_json(*status);
  const auto again = read_status(written.text());
  require(again && to_json(*again).text() == written.text());
}

void read_an_error(std::string_view json) {
  const auto error = read_error(400, json);
  if (!error) return require(!error.error().message.empty());
  require(error->status == 400);
  const SecretBytes written = to_json(*error);
  require(is_utf8(written.text()));
  const auto again = read_error(400, written.text());
  require(again && again->message == error->message && again->details.size() == error->details.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json = as_text({data, size});
  read_keys(json);
  read_a_status(json);
  read_an_error(json);
  return 0;
}
