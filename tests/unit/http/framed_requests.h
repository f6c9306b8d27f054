// What a framer makes of a connection's bytes, as text that can be compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "http/framer.h"

namespace dske::http {

struct FramedRequests {
  std::vector<std::string> requests;
  Framer::State state = Framer::State::head;  ///< after the last byte
  bool started = false;
  int refusal_status = 0;
  std::string refusal;

  bool operator==(const FramedRequests&) const = default;
};

inline std::string text_of(const RequestHead& head) {
  const Request& request = head.request;
  std::string text = request.method + " " + request.path + " ? " + request.query +
                     (head.is_http_1_0 ? " 1.0" : " 1.1") + (head.keep_alive ? " keep-alive" : " close");
  for (const Header& header : request.headers) text += "\n" + header.name + "=" + header.value;
  return text + "\n\n" + std::string(request.body.text());
}

/// Feeds `bytes` in pieces, each as long as `next_piece` says (at least 1 is taken).
inline FramedRequests frame(ByteView bytes, FramerLimits limits,
                            const std::function<std::size_t()>& next_piece) {
  Framer framer(limits);
  FramedRequests framed;
  while (!bytes.empty()) {
    ByteView piece = bytes.first(std::clamp<std::size_t>(next_piece(), 1, bytes.size()));
    bytes = bytes.subspan(piece.size());
    while (!piece.empty()) {
      piece = piece.subspan(framer.feed(piece));
      if (framer.state() == Framer::State::complete) framed.requests.push_back(text_of(framer.take()));
    }
  }
  framed.state = framer.state();
  framed.started = framer.started();
  if (framed.state == Framer::State::refused) {
    framed.refusal_status = framer.refusal().status;
    framed.refusal = framer.refusal().message;
  }
  return framed;
}

}  // namespace dske::http
