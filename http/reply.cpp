#include <cassert>
#include <utility>

#include "http/reply_sink.h"

namespace dske::http {

Reply::Reply(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}

Reply::Reply(Reply&&) noexcept = default;

Reply& Reply::operator=(Reply&& other) noexcept {
  Reply replaced(std::move(*this));
  sink_ = std::move(other.sink_);
  return *this;
}

Reply::~Reply() {
  if (sink_) sink_->send(message_response(500, "the request could not be served"), {});
}

void Reply::send(Response response, Written written) {
  assert(sink_ && "a request is answered once");
  const std::unique_ptr<Sink> sink = std::move(sink_);
  if (sink) sink->send(std::move(response), std::move(written));
}

}  // namespace dske::http
