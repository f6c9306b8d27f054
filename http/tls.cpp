#include "http/tls.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/certificate.h"
#include "http/revocation.h"
#include "http/socket_bio.h"
#include "http/tls_exporter.h"
#include "http/tls_files.h"

namespace dske::http {
namespace {

/// TLS 1.2: ephemeral key agreement and authenticated encryption. TLS 1.3 has nothing else.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
/// How long a session may be resumed, and so how long a certificate that is no longer trusted may go on.
constexpr long kSessionSeconds = 600;

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

/// Runs for every certificate of a client's chain, and keeps which one was refused.
int check_verification(int accepted, X509_STORE_CTX* verification) {
  if (accepted == 1) return 1;
  if (is_about_trusted_authority(verification)) {
    X509_STORE_CTX_set_error(verification, X509_V_OK);
    return 1;
  }
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* stream = ssl == nullptr ? nullptr : static_cast<Stream*>(SSL_get_app_data(ssl));
  const X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  if (stream != nullptr && certificate != nullptr) stream->note_refused(describe_certificate(certificate));
  return accepted;
}

Error openssl_error() {
  return {ErrorKind::internal, "OpenSSL: " + openssl_reason()};
}

/// Those that an eavesdropper with a quantum computer cannot undo come first, where the library has them
/// (OpenSSL 3.5 and later). Whether it has.
Result<bool> set_key_agreement(SSL_CTX* context) {
  static constexpr const char* kClassical = "X25519:P-256:X448:P-384:P-521";
  static const std::string hybrid =
      std::string("X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024:") + kClassical;
  if (SSL_CTX_set1_groups_list(context, hybrid.c_str()) == 1) return true;
  ERR_clear_error();
  if (SSL_CTX_set1_groups_list(context, kClassical) != 1) return openssl_error();
  return false;
}

}  // namespace

void FreeTlsSession::operator()(ssl_st* session) const {
  SSL_free(session);
}

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsServerConfig& config,
                                                           const std::string& name,
                                                           std::uint64_t generation) {
  ERR_clear_error();
  std::unique_ptr<ssl_ctx_st, Free> owned(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = owned.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1) {
    return openssl_error();
  }
  // HTTP frames its messages itself, so an end without close_notify is an end like any other.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  const auto is_hybrid = set_key_agreement(context);
  if (!is_hybrid) return is_hybrid.error();

  // Without this, resuming a session that has a client certificate is a fatal error.
  const std::string id = ("dske " + name).substr(0, SSL_MAX_SSL_SESSION_ID_LENGTH);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()),
                                 static_cast<unsigned int>(id.size()));
  // Sessions are resumed by tickets alone, which cost the server no memory.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, kSessionSeconds);

  const std::shared_ptr<TlsContext> loaded(new TlsContext(std::move(owned), generation));
  if (auto own = loaded->load_own(config); !own) return own.error();
  if (auto trusted = loaded->load_trusted(config); !trusted) return trusted.error();
  loaded->description_ += *is_hybrid ? ", key agreement with ML-KEM"
                                     : ", key agreement without ML-KEM (OpenSSL is older than 3.5)";
  ERR_clear_error();
  return std::shared_ptr<const TlsContext>(loaded);
}

Result<void> TlsContext::load_own(const TlsServerConfig& config) {
  SSL_CTX* context = context_.get();
  if (auto own = use_own_certificate(context, config.certificate_file, config.key_file); !own) return own;
  description_ = "the server's is " + describe_certificate(SSL_CTX_get0_certificate(context));
  return {};
}

Result<void> TlsContext::load_trusted(const TlsServerConfig& config) {
  SSL_CTX* context = context_.get();
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  if (names == nullptr) return openssl_error();
  SSL_CTX_set_client_CA_list(context, names);  // owns them from now on
  for (const std::string& file : config.client_ca_files) {
    if (SSL_CTX_load_verify_file(context, file.c_str()) != 1 ||
        SSL_add_file_cert_subjects_to_stack(names, file.c_str()) != 1) {
      return tls_file_error("the client CA file", file);
    }
  }
  // What a file holds is trusted, also if it is an intermediate authority.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  const auto lists = use_revocation_lists(context, config.client_crl_files, "the client CRL file");
  if (!lists) return lists.error();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, check_verification);
  description_ += fmt::format(", clients come from {} authorities", sk_X509_NAME_num(names));
  if (*lists > 0) description_ += fmt::format(" with {} revocation lists", *lists);
  return {};
}

TlsSession TlsContext::new_session(Socket& socket) const {
  TlsSession session(SSL_new(context_.get()));
  BIO* bio = session ? new_socket_bio(socket) : nullptr;
  if (bio == nullptr) return nullptr;
  SSL_set_bio(session.get(), bio, bio);
  SSL_set_accept_state(session.get());
  return session;
}

std::optional<std::string> TlsContext::refusal(ssl_st* session) const {
  X509* certificate = SSL_get0_peer_certificate(session);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> verification(X509_STORE_CTX_new(),
                                                                                     X509_STORE_CTX_free);
  ERR_clear_error();
  // Of a resumed session only the client's own certificate is known: with an intermediate authority that is
  // not in the CA files, it has to shake hands anew.
  if (certificate == nullptr || !verification ||
      X509_STORE_CTX_init(verification.get(), SSL_CTX_get_cert_store(context_.get()), certificate,
                          SSL_get_peer_cert_chain(session)) != 1 ||
      X509_STORE_CTX_set_default(verification.get(), "ssl_client") != 1 ||
      X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(verification.get()),
                             SSL_CTX_get0_param(context_.get())) != 1) {
    return "it cannot be verified";
  }
  X509_STORE_CTX_set_verify_cb(verification.get(), check_verification);
  const bool accepted = X509_verify_cert(verification.get()) == 1;
  ERR_clear_error();
  if (accepted) return std::nullopt;
  return std::string(X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get()))) + ": " +
         describe_certificate(certificate);
}

void Stream::use_tls(ssl_st* ssl) {
  ssl_ = ssl;
  SSL_set_app_data(ssl, this);
}

std::string Stream::handshake_failure() const {
  const long verification = SSL_get_verify_result(ssl_);
  std::string reason = openssl_reason();
  if (verification != X509_V_OK) reason += std::string(": ") + X509_verify_cert_error_string(verification);
  if (!refused_certificate_.empty()) reason += ": " + refused_certificate_;
  return reason;
}

Stream::Handshake Stream::handshake() {
  if (ssl_ == nullptr) return Handshake::done;
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_);
  if (outcome == 1) return Handshake::done;
  if (SSL_get_error(ssl_, outcome) == SSL_ERROR_WANT_READ) return Handshake::waiting;
  failed_ = true;
  failure_ = ERR_peek_error() == 0 ? "the client went away" : handshake_failure();
  ERR_clear_error();
  return Handshake::failed;
}

std::shared_ptr<const PeerIdentity> Stream::identity() const {
  if (ssl_ == nullptr) return nullptr;
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return nullptr;
  return std::make_shared<const PeerIdentity>(read_identity(certificate));
}

std::shared_ptr<const SecretBytes> Stream::exported(const std::string& label) const {
  SecretBytes secret = export_secret(ssl_, label);
  if (secret.empty()) return nullptr;
  return std::make_shared<const SecretBytes>(std::move(secret));
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
