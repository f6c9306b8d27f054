// What another adapter sends: a message that is written as it was read, or an error.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wireguard/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dske::wireguard;
  if (size == 0) return 0;
  constexpr std::array<std::string_view, 5> kKinds{"state", "recover", "confirm", "refuse", "applied"};
  const std::string_view kind = kKinds[data[0] % kKinds.size()];
  const auto message = parse_message(kind, {reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!message) return 0;
  if (kind_of(message->message) != kind) std::abort();
  const std::string text = to_json(message->link, message->message);
  const auto again = parse_message(kind, text);
  if (!again || to_json(again->link, again->message) != text) std::abort();
  return 0;
}
