// A key share that is accepted is sound, and is written back as one that is accepted and written the same.
#include <cstdlib>

#include "dske/key_share_message.h"

using namespace dske;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = KeyShareMessage::parse(as_text({data, size}));
  if (!message) return 0;
  const std::uint64_t share_bytes = message->context.share_bytes();
  if (!message->context.check() ||
      message->encrypted_share.size() != (message->source == ShareSource::psrd ? 0 : share_bytes) ||
      allocation_size(message->allocation) != share_bytes) {
    std::abort();
  }
  const SecretBytes written = message->write();
  const auto again = KeyShareMessage::parse(written.text());
  if (!again || again->context != message->context || again->write().text() != written.text()) std::abort();
  return 0;
}
