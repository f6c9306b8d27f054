// OpenSSL's view of a Socket. Its writes never ask to be repeated, so SSL_write always takes all it is given
// and no TLS operation ever waits for the socket to become writable.
#pragma once

#include <openssl/bio.h>

#include "http/socket.h"

namespace dske::http {

/// A new BIO over `socket`, which must outlive it. Null when memory is short.
[[nodiscard]] BIO* new_socket_bio(Socket& socket);

}  // namespace dske::http
