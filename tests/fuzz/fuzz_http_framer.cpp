// The first byte says how the rest is cut into pieces. However a connection's bytes are cut, the framer finds
// the same requests and refuses for the same reason; and what it lets through can be put into a message again
// without harm.
#include <cstdlib>
#include <string_view>

#include "../unit/http/framed_requests.h"

using namespace dske;
using namespace dske::http;

namespace {

constexpr FramerLimits kLimits{512, 16, 256};

void check(const RequestHead& head) {
  const Request& request = head.request;
  if (!is_token(request.method)) std::abort();
  if (request.path.empty() || (request.path[0] != '/' && request.path != "*")) std::abort();
  if (request.target().find_first_of(std::string_view(" \r\n\t\0", 5)) != std::string::npos) std::abort();
  if (request.headers.size() > kLimits.headers || request.body.size() > kLimits.body_bytes) std::abort();
  for (const Header& header : request.headers) {
    if (!is_token(header.name) || !is_header_value(header.value)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  unsigned seed = data[0];
  const FramedRequests whole = frame(bytes, kLimits, [&] { return bytes.size(); });
  const FramedRequests by_byte = frame(bytes, kLimits, [] { return std::size_t{1}; });
  const FramedRequests cut = frame(bytes, kLimits, [&] {
    seed = seed * 1103515245 + 12345;
    return std::size_t{(seed >> 16) % 23};
  });
  if (!(whole == by_byte) || !(whole == cut)) std::abort();

  Framer framer(kLimits);
  for (ByteView rest = bytes; !rest.empty();) {
    rest = rest.subspan(framer.feed(rest));
    if (framer.state() == Framer::State::complete) check(framer.take());
  }
  return 0;
}
