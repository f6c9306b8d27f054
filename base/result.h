// How every fallible function of the project answers: a value, or an error with a cause an operator can act
// on.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace dske {

/// What kind of failure an Error is. It decides how a caller reacts; an interface's own codes (HTTP status,
/// exit status) are chosen from it at that interface's edge alone.
enum class ErrorKind {
  invalid,          ///< the input is malformed or out of its limits; the same input will fail again
  unauthenticated,  ///< the sender could not be verified
  forbidden,        ///< the sender is known and may not do this
  not_found,        ///< what was named does not exist (any more)
  conflict,         ///< it contradicts what exists already
  exhausted,    ///< a resource (PSRD, a queue, a quota) is used up; later or after provisioning it may work
  unavailable,  ///< another party (hub, KME, process) cannot be reached or does not answer
  corrupt,      ///< stored or received data fails its check
  io,           ///< the operating system refused: disk, file, socket
  internal,     ///< a bug or an unexpected answer of a library
};

/// A failure as a value. `message` is one line of plain text for an operator; it never holds secret bytes.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;

  /// The same error with "CONTEXT: " before its message.
  [[nodiscard]] Error within(const std::string& context) const { return {kind, context + ": " + message}; }
};

/// A T or an Error. Returned by every function that can fail for reasons outside the program; bugs assert.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result() = default;
  Result(Error error)
      : tl::expected<T, Error>(tl::make_unexpected(std::move(error))) {}  // NOLINT(*-explicit-*)
};

inline Error invalid(std::string message) {
  return {ErrorKind::invalid, std::move(message)};
}

}  // namespace dske
