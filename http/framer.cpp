#include "http/framer.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace dske::http {
namespace {

/// Enough for any size within the limits; more digits can only be meant to overflow somebody's number.
constexpr std::size_t kMostChunkSizeDigits = 8;
constexpr std::size_t kMostChunkLineBytes = 256;
/// Bodies grow with what arrives, not with what a header promises.
constexpr std::size_t kFirstBodyReserve = 16 * 1024;

std::optional<std::size_t> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::size_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::size_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::size_t>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

Framer::State Framer::state() const {
  switch (step_) {
    case Step::request_line:
    case Step::header:
      return State::head;
    case Step::complete:
      return State::complete;
    case Step::refused:
      return State::refused;
    default:
      return State::body;
  }
}

std::size_t Framer::feed(ByteView bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const ByteView rest = bytes.subspan(taken);
    switch (step_) {
      case Step::request_line:
      case Step::header:
      case Step::chunk_size:
      case Step::trailer:
        taken += take_line(rest);
        break;
      case Step::sized_body:
      case Step::chunk_data:
        taken += take_body(rest);
        break;
      case Step::chunk_end:
        taken += take_chunk_end(rest);
        break;
      case Step::complete:
        return taken;
      case Step::refused:
        return bytes.size();
    }
  }
  return taken;
}

std::size_t Framer::take_line(ByteView bytes) {
  started_ = true;
  if (step_ == Step::chunk_size || step_ == Step::trailer) head_.expects_continue = false;
  if (after_cr_) {
    after_cr_ = false;
    if (bytes[0] != '\n') {
      refuse({400, "a CR is not followed by LF"});
      return 1;
    }
    ++line_bytes_;
    end_line();
    return 1;
  }
  const auto end =
      std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t c) { return c == '\r' || c == '\n'; });
  const auto length = static_cast<std::size_t>(end - bytes.begin());
  // The CR counts too, and the LF that must follow it, so that a limit of n bytes admits exactly n.
  const std::size_t needed = line_bytes_ + length + (end == bytes.end() ? 0 : 2);
  if (step_ == Step::chunk_size ? line_.size() + length > kMostChunkLineBytes : needed > limits_.head_bytes) {
    if (step_ == Step::request_line) {
      refuse({414, "the request target is too long"});
    } else if (step_ == Step::chunk_size) {
      refuse({400, "a chunk's size line is too long"});
    } else {
      refuse({431, "the headers are too large"});
    }
    return bytes.size();
  }
  line_.append(bytes.first(length));
  line_bytes_ += length;
  if (end == bytes.end()) return length;
  if (*end == '\n') {
    refuse({400, "an LF does not follow a CR"});
  } else {
    ++line_bytes_;
    after_cr_ = true;
  }
  return length + 1;
}

void Framer::end_line() {
  const std::string_view line = line_.text();
  std::optional<Refusal> refusal;
  switch (step_) {
    case Step::request_line:
      if (line.empty() && !skipped_empty_line_) {
        skipped_empty_line_ = true;  // RFC 9112, 2.2: some clients send one after a body
      } else {
        refusal = parse_request_line(line, head_);
        step_ = Step::header;
      }
      break;
    case Step::header:
      if (line.empty()) {
        end_head();
      } else if (head_.request.headers.size() >= limits_.headers) {
        refusal = {431, "there are too many headers"};
      } else {
        refusal = parse_header_line(line, head_.request.headers);
      }
      break;
    case Step::chunk_size:
      end_chunk_size();
      break;
    case Step::trailer:
      if (line.empty()) {
        complete();
      } else {
        std::vector<Header> dropped;  // RFC 9112, 7.1.2: a recipient may discard trailers
        refusal = parse_header_line(line, dropped);
      }
      break;
    default:
      break;
  }
  line_.clear();
  if (refusal) refuse(*refusal);
}

void Framer::end_head() {
  if (const std::optional<Refusal> refusal = interpret_headers(head_, limits_.body_bytes))
    return refuse(*refusal);
  line_bytes_ = 0;
  switch (head_.body) {
    case RequestHead::Body::none:
      complete();
      break;
    case RequestHead::Body::of_length:
      remaining_ = head_.content_length;
      body_.reserve(std::min(remaining_, kFirstBodyReserve));
      step_ = Step::sized_body;
      break;
    case RequestHead::Body::chunked:
      step_ = Step::chunk_size;
      break;
  }
}

void Framer::end_chunk_size() {
  const std::string_view line = line_.text();
  std::size_t digits = 0;
  std::size_t size = 0;
  while (digits < line.size()) {
    const std::optional<std::size_t> value = hex_value(line[digits]);
    if (!value) break;
    if (++digits > kMostChunkSizeDigits) return refuse({400, "a chunk's size has too many digits"});
    size = size * 16 + *value;
  }
  if (digits == 0) return refuse({400, "a chunk's size is not a hexadecimal number"});
  const std::string_view extension = line.substr(digits);
  if (!extension.empty() && extension.front() != ';')
    return refuse({400, "a chunk's size is followed by garbage"});
  if (!is_header_value(extension)) return refuse({400, "a chunk's extension holds a control character"});
  // What counts against the limit are the extensions; sizes are paid for by the data they announce.
  line_bytes_ -= line.size() - extension.size() + 2;
  if (line_bytes_ > limits_.head_bytes) return refuse({400, "the chunks' extensions are too large"});
  if (size > limits_.body_bytes - body_.size()) return refuse({413, "the body is too large"});
  if (size == 0) {
    step_ = Step::trailer;
  } else {
    remaining_ = size;
    step_ = Step::chunk_data;
  }
}

std::size_t Framer::take_body(ByteView bytes) {
  head_.expects_continue = false;
  const std::size_t taken = std::min(bytes.size(), remaining_);
  body_.append(bytes.first(taken));
  remaining_ -= taken;
  if (remaining_ > 0) return taken;
  if (step_ == Step::chunk_data) {
    step_ = Step::chunk_end;
  } else {
    complete();
  }
  return taken;
}

std::size_t Framer::take_chunk_end(ByteView bytes) {
  const std::uint8_t expected = after_cr_ ? '\n' : '\r';
  if (bytes[0] != expected) {
    refuse({400, "a chunk's data does not end where its size says"});
  } else if (after_cr_) {
    after_cr_ = false;
    step_ = Step::chunk_size;
  } else {
    after_cr_ = true;
  }
  return 1;
}

bool Framer::take_continue() {
  if (state() != State::body || !head_.expects_continue) return false;
  head_.expects_continue = false;
  return true;
}

RequestHead Framer::take() {
  RequestHead taken = std::move(head_);
  taken.request.body = std::move(body_);
  head_ = RequestHead();
  body_ = SecretBytes();
  step_ = Step::request_line;
  started_ = false;
  skipped_empty_line_ = false;
  line_bytes_ = 0;
  return taken;
}

void Framer::complete() {
  head_.expects_continue = false;
  step_ = Step::complete;
}

void Framer::refuse(Refusal refusal) {
  refusal_ = refusal;
  step_ = Step::refused;
  line_ = SecretBytes();
  body_ = SecretBytes();
}

}  // namespace dske::http
