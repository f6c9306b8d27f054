#include "http/tls.h"

#include <algorithm>
#include <array>
#include <limits>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/certificate.h"
#include "http/socket_bio.h"

namespace dske::http {
namespace {

/// TLS 1.2: ephemeral key agreement and authenticated encryption. TLS 1.3 has nothing else.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
/// How long a session may be resumed, and so how long a certificate that is no longer trusted may go on.
constexpr long kSessionSeconds = 600;

/// The first reason that OpenSSL queued, and empties the queue.
std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

Error file_error(const char* what, const std::string& file) {
  return {ErrorKind::invalid, std::string(what) + " " + file + " cannot be used: " + openssl_reason()};
}

/// The application layer is HTTP/1.1 whatever else is offered; who offers only other protocols gets no answer
/// to the extension and may still speak HTTP/1.1.
int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* /*argument*/) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, chosen_size, kHttp11.data(), kHttp11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

std::string handshake_failure(const SSL* ssl) {
  const long verification = SSL_get_verify_result(ssl);
  std::string reason = openssl_reason();
  if (verification != X509_V_OK) reason += std::string(": ") + X509_verify_cert_error_string(verification);
  return reason;
}

/// A resumed session skips the chain's verification, so a certificate may have expired since.
bool has_expired(const SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  return certificate == nullptr || X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::shared_ptr<TlsContext>> TlsContext::load(const TlsServerConfig& config, const std::string& name) {
  ERR_clear_error();
  std::unique_ptr<ssl_ctx_st, Free> owned(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = owned.get();
  if (context == nullptr) return Error{ErrorKind::internal, "OpenSSL: " + openssl_reason()};

  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1) {
    return Error{ErrorKind::internal, "OpenSSL: " + openssl_reason()};
  }
  // HTTP frames its messages itself, so an end without close_notify is an end like any other.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);

  // An encrypted key must not make a daemon ask its terminal for a password.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(context, config.certificate_file.c_str()) != 1) {
    return file_error("the certificate file", config.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, config.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return file_error("the key file", config.key_file);
  }
  if (SSL_CTX_load_verify_file(context, config.client_ca_file.c_str()) != 1) {
    return file_error("the client CA file", config.client_ca_file);
  }
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(config.client_ca_file.c_str());
  if (names == nullptr) return file_error("the client CA file", config.client_ca_file);
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // What the file holds is trusted, also if it is an intermediate authority.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);

  // Without this, resuming a session that has a client certificate is a fatal error.
  const std::string id = ("dske " + name).substr(0, SSL_MAX_SSL_SESSION_ID_LENGTH);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()),
                                 static_cast<unsigned int>(id.size()));
  // Sessions are resumed by tickets alone, which cost the server no memory.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  ERR_clear_error();
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(owned)));
}

ssl_st* TlsContext::new_session(Socket& socket) const {
  SSL* ssl = SSL_new(context_.get());
  if (ssl == nullptr) return nullptr;
  BIO* bio = new_socket_bio(socket);
  if (bio == nullptr) {
    SSL_free(ssl);
    return nullptr;
  }
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return ssl;
}

Stream::Handshake Stream::handshake() {
  if (ssl_ == nullptr) return Handshake::done;
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_);
  if (outcome == 1) {
    if (SSL_session_reused(ssl_) == 1 && has_expired(ssl_)) {
      failed_ = true;
      failure_ = "the resumed session's certificate has expired";
      return Handshake::failed;
    }
    return Handshake::done;
  }
  if (SSL_get_error(ssl_, outcome) == SSL_ERROR_WANT_READ) return Handshake::waiting;
  failed_ = true;
  failure_ = ERR_peek_error() == 0 ? "the client went away" : handshake_failure(ssl_);
  ERR_clear_error();
  return Handshake::failed;
}

std::shared_ptr<const PeerIdentity> Stream::identity() const {
  if (ssl_ == nullptr) return nullptr;
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return nullptr;
  return std::make_shared<const PeerIdentity>(read_identity(certificate));
}

ReadOutcome Stream::read(MutableByteView into) {
  using Kind = ReadOutcome::Kind;
  if (ssl_ == nullptr) return socket_.read(into);
  if (failed_) return {Kind::broken, 0};
  ERR_clear_error();
  std::size_t got = 0;
  const int outcome = SSL_read_ex(ssl_, into.data(), into.size(), &got);
  if (outcome == 1) return {Kind::bytes, got};
  switch (SSL_get_error(ssl_, outcome)) {
    case SSL_ERROR_WANT_READ:
      return {Kind::nothing_yet, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {Kind::end, 0};
    default:
      failed_ = true;
      return {Kind::broken, 0};
  }
}

void Stream::write(ByteView bytes) {
  if (bytes.empty() || failed_) return;
  if (ssl_ == nullptr) return socket_.write(bytes);
  ERR_clear_error();
  std::size_t written = 0;
  // All or nothing: partial writes are not enabled, and the socket takes whatever it is given.
  failed_ = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) != 1;
}

void Stream::end_writing() {
  if (ssl_ != nullptr && !failed_ && SSL_is_init_finished(ssl_) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
}

}  // namespace dske::http
