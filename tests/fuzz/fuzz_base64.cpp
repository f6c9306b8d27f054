// Whatever base64 and hexadecimal decoders accept is encoded back to the same text: one text per value.
#include <cstdlib>

#include "base/base64.h"
#include "base/percent_encoding.h"
#include "base/utf8.h"
#include "base/uuid.h"

using namespace dske;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const std::string_view text = as_text(bytes);

  if (const auto decoded = base64_decode(text)) {
    if (base64_text(decoded->view()) != text) std::abort();
  }
  const auto back = base64_decode(base64_text(bytes));
  if (!back || !constant_time_equal(back->view(), bytes)) std::abort();

  if (const auto decoded = hex_decode(text)) {
    if (hex_text(*decoded).size() != text.size()) std::abort();
  }
  const auto plain = percent_decode(percent_encode(text));
  if (!plain || *plain != text) std::abort();
  static_cast<void>(percent_decode(text));

  if (const auto uuid = Uuid::parse(text)) {
    const auto again = Uuid::parse(uuid->text());
    if (!again || *again != *uuid) std::abort();
  }
  if (is_utf8(text)) static_cast<void>(has_control_characters(text));
  return 0;
}
