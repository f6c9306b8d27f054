// The headers that authenticate messages: what is accepted has the sizes that it must have, and is written
// back as what means the same.
#include <cstdlib>

#include "dske/message_authentication.h"
#include "dske/polling_authentication.h"

using namespace dske;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto signature = Signature::parse(text)) {
    if (allocation_size(signature->key) != kOneTimeMacKeySize || signature->key.size() > kFragmentsMost)
      std::abort();
    const auto again = Signature::parse(signature->text());
    if (!again || again->key != signature->key || again->tag != signature->tag) std::abort();
  }
  if (const auto polling = PollingRequest::parse(text)) {
    const auto again = PollingRequest::parse(polling->text());
    if (!again || again->text() != polling->text()) std::abort();
  }
  if (const auto polling = PollingAnswer::parse(text)) {
    const auto again = PollingAnswer::parse(polling->text());
    if (!again || again->text() != polling->text()) std::abort();
  }
  return 0;
}
