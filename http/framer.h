// A strict HTTP/1.1 framer: turns the bytes of one connection into requests, one after the other. Pure: no
// sockets, no clock. However the bytes are cut into pieces, the outcome is the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/secret.h"
#include "http/message.h"
#include "http/request_head.h"

namespace dske::http {

struct FramerLimits {
  std::size_t head_bytes =
      16 * 1024;  ///< request line and headers; also a chunked body's trailers and extensions
  std::size_t headers = 128;
  std::size_t body_bytes = 1024 * 1024;
};

/// Not thread-safe.
class Framer {
 public:
  enum class State { head, body, complete, refused };

  explicit Framer(FramerLimits limits) : limits_(limits) {}

  /// Takes what follows in the connection. Returns how many bytes it took: all, unless a request became
  /// complete; the rest belongs to the next one. After a refusal, everything is swallowed.
  std::size_t feed(ByteView bytes);

  [[nodiscard]] State state() const;
  /// Whether a byte of the present request has been taken.
  [[nodiscard]] bool started() const { return started_; }
  /// Why, in the state `refused`: the end of this request is unknown, so the connection is of no more use.
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

  /// True once for a request whose sender waits for "100 Continue" and has not begun to send its body.
  [[nodiscard]] bool take_continue();
  /// Of the present request, as far as its head has been read.
  [[nodiscard]] const RequestHead& head() const { return head_; }

  /// The complete request; begins anew with the next. Only in the state `complete`.
  [[nodiscard]] RequestHead take();

 private:
  enum class Step {
    request_line,
    header,
    sized_body,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer,
    complete,
    refused
  };

  std::size_t take_line(ByteView bytes);
  std::size_t take_body(ByteView bytes);
  std::size_t take_chunk_end(ByteView bytes);
  void end_line();
  void end_head();
  void end_chunk_size();
  void complete();
  void refuse(Refusal refusal);

  FramerLimits limits_;
  Step step_ = Step::request_line;
  bool started_ = false;
  bool skipped_empty_line_ = false;
  bool after_cr_ = false;
  SecretBytes line_;            // the line that is being read, without its end
  std::size_t line_bytes_ = 0;  // taken of the head, or of a chunked body's trailers and extensions
  std::size_t remaining_ = 0;   // bytes that are missing of a sized body or a chunk
  RequestHead head_;
  SecretBytes body_;
  Refusal refusal_;
};

}  // namespace dske::http
