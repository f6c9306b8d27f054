#include "node/error_status.h"

namespace dske::node {

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
    case ErrorKind::corrupt:
      return 400;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::forbidden:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::exhausted:
    case ErrorKind::unavailable:
    case ErrorKind::io:
      return 503;
    case ErrorKind::internal:
      break;
  }
  return 500;
}

}  // namespace dske::node
