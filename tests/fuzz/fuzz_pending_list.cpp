// Pending lists and the questions for them: what is accepted is written back as what is accepted and written
// the same.
#include <cstdlib>

#include "dske/pending_list.h"

using namespace dske;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto list = PendingList::parse(text)) {
    const SecretBytes written = list->write();
    const auto again = PendingList::parse(written.text());
    if (!again || again->write().text() != written.text()) std::abort();
  }
  if (const auto question = PendingQuestion::parse(text)) {
    const auto again = PendingQuestion::parse(question->query());
    if (!again || again->query() != question->query()) std::abort();
  }
  return 0;
}
