// What another adapter sends: a message that is written as it was read, or an error; and bodies of many.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wireguard/batches.h"

namespace {

using namespace dske;
using namespace dske::wireguard;

std::string text_of(const LinkedMessage& message) {
  json::Writer writer;
  write_message(writer, message);
  return writer.take_text();
}

void one(std::string_view kind, std::string_view text) {
  const auto document = json::Document::parse(text);
  if (!document) return;
  const auto message = read_message(kind, document->root());
  if (!message) return;
  if (kind_of(message->message) != kind) std::abort();
  const std::string written = text_of(*message);
  const auto again = json::Document::parse(written);
  const auto read = again ? read_message(kind, again->root()) : Result<LinkedMessage>(again.error());
  if (!read || text_of(*read) != written) std::abort();
}

void batch(std::string_view kind, std::string_view text) {
  const auto parsed = parse_batch(kind, text);
  if (!parsed) return;
  const std::string written = to_json(*parsed);
  const auto again = parse_batch(kind, written);
  if (!again || to_json(*again) != written) std::abort();
}

void answer(std::string_view text) {
  const auto parsed = parse_batch_answer(text);
  if (!parsed) return;
  const std::string written = to_json(*parsed);
  const auto again = parse_batch_answer(written);
  if (!again || to_json(*again) != written) std::abort();
}

void collected(std::string_view text) {
  const auto parsed = parse_collected(text);
  if (!parsed) return;
  const auto again = parse_collected(collected_to_json(*parsed));
  if (!again || again->size() != parsed->size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view kind = kMessageKinds[data[0] % kMessageKinds.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] / kMessageKinds.size() % 4) {
    case 0:
      one(kind, text);
      break;
    case 1:
      batch(kind, text);
      break;
    case 2:
      answer(text);
      break;
    default:
      collected(text);
  }
  return 0;
}
