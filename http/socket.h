// A connected, non-blocking socket whose writes never have to be repeated.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"

namespace dske::http {

/// What a read brought.
struct ReadOutcome {
  enum class Kind { bytes, nothing_yet, end, broken };
  Kind kind = Kind::nothing_yet;
  std::size_t size = 0;  ///< for `bytes`, at least 1
};

/// Does not own the descriptor. What the kernel does not take at once is kept (and wiped afterwards) and
/// written by flush(); more than `most_pending` of it breaks the socket. Never raises SIGPIPE. Not
/// thread-safe.
class Socket {
 public:
  Socket(int fd, std::size_t most_pending) : fd_(fd), most_pending_(most_pending) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] ReadOutcome read(MutableByteView into);
  /// As read(), without taking the bytes.
  [[nodiscard]] ReadOutcome peek(MutableByteView into);
  /// How many bytes a read could bring at once.
  [[nodiscard]] std::size_t readable_bytes() const;
  /// Takes all of `bytes`, unless the socket is broken.
  void write(ByteView bytes);
  /// Gives the kernel what it takes of the kept bytes.
  void flush();
  /// Ends the sending side (after what the kernel has taken).
  void shut_down_writing();

  [[nodiscard]] bool pending() const { return offset_ < pending_.size(); }
  [[nodiscard]] bool broken() const { return broken_; }
  /// How many bytes the kernel has taken so far.
  [[nodiscard]] std::size_t written() const { return written_; }

 private:
  [[nodiscard]] ReadOutcome receive(MutableByteView into, int flags);
  /// How many bytes the kernel took, 0 also when the socket broke.
  std::size_t send_now(ByteView bytes);

  int fd_;
  std::size_t most_pending_;
  SecretBytes pending_;
  std::size_t offset_ = 0;  // of pending_, taken by the kernel already
  std::size_t written_ = 0;
  bool broken_ = false;
};

}  // namespace dske::http
