// Registrations and their answers: what is accepted is written back as what is accepted and written the same.
#include <cstdlib>

#include "dske/registration_message.h"

using namespace dske;

namespace {

template <class Message>
void check(std::string_view text) {
  const auto message = Message::parse(text);
  if (!message) return;
  const SecretBytes written = message->write();
  const auto again = Message::parse(written.text());
  if (!again || again->write().text() != written.text()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  check<RegistrationRequest>(text);
  check<RegistrationAnswer>(text);
  return 0;
}
