#include "bench/tls_connection.h"

#include <array>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

namespace dske::bench {
namespace {

constexpr int kTimeoutSeconds = 15;

// Where wait_for_ticket() looks for the session: OpenSSL hands it to a callback of the context.
int session_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

int keep_session(ssl_st* tls, ssl_session_st* session) {
  auto* kept = static_cast<TlsSessionPointer*>(SSL_get_ex_data(tls, session_slot()));
  if (kept == nullptr) return 0;
  kept->reset(session);
  return 1;  // it is ours now
}

Error connection_error(const ssl_st* tls, int outcome, const std::string& what) {
  const int fault = errno;
  const int kind = SSL_get_error(tls, outcome);
  if (kind == SSL_ERROR_ZERO_RETURN || (kind == SSL_ERROR_SYSCALL && ERR_peek_error() == 0 && fault == 0))
    return Error{ErrorKind::unavailable, what + ": the server closed the connection"};
  if (kind == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) return io_error(what, fault);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
    return Error{ErrorKind::unavailable, what + ": no answer in time"};
  Error error = tls_error(what);
  error.kind = ErrorKind::unavailable;
  return error;
}

}  // namespace

void FreeTls::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void FreeTls::operator()(ssl_st* tls) const {
  SSL_free(tls);
}
void FreeTls::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

Error tls_error(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Error{ErrorKind::io, what + ": " + text.data()};
}

Result<TlsContextPointer> client_context(const http::TlsClientConfig& config) {
  ERR_clear_error();
  TlsContextPointer context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_use_certificate_chain_file(context.get(), config.certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), config.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_file(context.get(), config.ca_file.c_str()) != 1) {
    return tls_error("cannot use " + config.certificate_file + ", its key or " + config.ca_file);
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_read_ahead(context.get(), 1);  // one system call for a record instead of two
  // A session ticket ends a read, so that it can be waited for.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), keep_session);
  return context;
}

Result<TlsSessionPointer> take_ticket(ssl_st* tls) {
  TlsSessionPointer session;
  if (SSL_set_ex_data(tls, session_slot(), &session) != 1) return tls_error("cannot prepare TLS");
  char byte = 0;
  errno = 0;
  ERR_clear_error();
  const int outcome = SSL_peek(tls, &byte, 1);
  SSL_set_ex_data(tls, session_slot(), nullptr);
  if (session) return session;
  return connection_error(tls, outcome, "waiting for a session ticket");
}

Result<TlsConnection> TlsConnection::open(ssl_ctx_st* context, const ServerAddress& server,
                                          ssl_session_st* session) {
  const std::string name = server.address + ":" + std::to_string(server.port);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  if (::inet_pton(AF_INET, server.address.c_str(), &address.sin_addr) != 1)
    return invalid("not a numeric IPv4 address: " + server.address);
  TlsConnection connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connection.descriptor_ < 0) return io_error("cannot make a socket", errno);
  const timeval timeout{kTimeoutSeconds, 0};
  const int one = 1;
  ::setsockopt(connection.descriptor_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  ::setsockopt(connection.descriptor_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(connection.descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(connection.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return io_error("cannot connect to " + name, errno);
  ERR_clear_error();
  connection.tls_.reset(SSL_new(context));
  ssl_st* tls = connection.tls_.get();
  if (tls == nullptr || SSL_set_fd(tls, connection.descriptor_) != 1 ||
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), server.address.c_str()) != 1 ||
      (session != nullptr && SSL_set_session(tls, session) != 1)) {
    return tls_error("cannot prepare TLS");
  }
  errno = 0;
  // Without SSL_MODE_AUTO_RETRY the handshake may have to be called again.
  if (const int outcome = SSL_connect(tls); outcome != 1)
    return connection_error(tls, outcome, "TLS handshake with " + name);
  return connection;
}

TlsConnection::TlsConnection(TlsConnection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), tls_(std::move(other.tls_)) {}

TlsConnection::~TlsConnection() {
  if (tls_) SSL_shutdown(tls_.get());
  ERR_clear_error();
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool TlsConnection::is_resumed() const {
  return SSL_session_reused(tls_.get()) == 1;
}

Result<TlsSessionPointer> TlsConnection::wait_for_ticket() {
  return take_ticket(tls_.get());
}

Result<void> TlsConnection::stop_waiting() {
  const int flags = ::fcntl(descriptor_, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor_, F_SETFL, flags | O_NONBLOCK) != 0)
    return io_error("cannot prepare a socket", errno);
  return {};
}

Result<void> TlsConnection::write(std::string_view bytes) {
  while (true) {
    errno = 0;
    const int outcome = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (outcome == static_cast<int>(bytes.size())) return {};
    if (SSL_get_error(tls_.get(), outcome) != SSL_ERROR_WANT_WRITE)
      return connection_error(tls_.get(), outcome, "sending a request");
    pollfd writable{descriptor_, POLLOUT, 0};
    if (::poll(&writable, 1, kTimeoutSeconds * 1000) == 0)
      return Error{ErrorKind::unavailable, "the server takes no request"};
  }
}

Result<std::size_t> TlsConnection::read(char* buffer, std::size_t size) {
  errno = 0;
  const int outcome = SSL_read(tls_.get(), buffer, static_cast<int>(size));
  if (outcome > 0) return static_cast<std::size_t>(outcome);
  // A ticket ends a read too; what came behind it may be in OpenSSL's buffer already.
  if (SSL_get_error(tls_.get(), outcome) == SSL_ERROR_WANT_READ)
    return SSL_has_pending(tls_.get()) == 1 ? read(buffer, size) : 0;
  return connection_error(tls_.get(), outcome, "reading an answer");
}

}  // namespace dske::bench
