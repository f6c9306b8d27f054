#include "bench/memory_handshake.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace dske::bench {
namespace {

// Two ends whose bytes go to each other through memory.
bool join(ssl_st* client, ssl_st* server) {
  BIO* client_bio = nullptr;
  BIO* server_bio = nullptr;
  constexpr std::size_t kBufferBytes = 64 * 1024;
  if (BIO_new_bio_pair(&client_bio, kBufferBytes, &server_bio, kBufferBytes) != 1) return false;
  SSL_set_bio(client, client_bio, client_bio);
  SSL_set_bio(server, server_bio, server_bio);
  return true;
}

}  // namespace

Result<MemoryHandshake> MemoryHandshake::make(const http::TlsClientConfig& client,
                                              const std::string& server_certificate,
                                              const std::string& server_key) {
  MemoryHandshake handshake;
  auto context = client_context(client);
  if (!context) return context.error();
  handshake.client_ = std::move(*context);
  handshake.server_.reset(SSL_CTX_new(TLS_server_method()));
  ssl_ctx_st* server = handshake.server_.get();
  constexpr unsigned char kName = 'b';
  if (server == nullptr || SSL_CTX_set_min_proto_version(server, TLS1_3_VERSION) != 1 ||
      SSL_CTX_use_certificate_chain_file(server, server_certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(server, server_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_file(server, client.ca_file.c_str()) != 1 ||
      SSL_CTX_set_session_id_context(server, &kName, 1) != 1) {
    return tls_error("cannot use " + server_certificate + " and its key");
  }
  SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
  return handshake;
}

Result<TlsSessionPointer> MemoryHandshake::run(ssl_session_st* session) const {
  const TlsPointer client(SSL_new(client_.get()));
  const TlsPointer server(SSL_new(server_.get()));
  if (!client || !server || !join(client.get(), server.get())) return tls_error("cannot prepare TLS");
  if (session != nullptr && SSL_set_session(client.get(), session) != 1)
    return tls_error("cannot resume a session");
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  constexpr int kTurns = 10;
  bool is_done = false;
  for (int turn = 0; turn < kTurns && !is_done; ++turn) {
    ERR_clear_error();
    const int at_client = SSL_do_handshake(client.get());
    if (at_client != 1 && SSL_get_error(client.get(), at_client) != SSL_ERROR_WANT_READ)
      return tls_error("handshake in memory, client");
    const int at_server = SSL_do_handshake(server.get());
    if (at_server != 1 && SSL_get_error(server.get(), at_server) != SSL_ERROR_WANT_READ)
      return tls_error("handshake in memory, server");
    is_done = at_client == 1 && at_server == 1;
  }
  if (!is_done) return Error{ErrorKind::internal, "a handshake in memory does not end"};
  auto ticket = take_ticket(client.get());
  // Of a connection that was not shut down OpenSSL resumes no session.
  SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  if (ticket && session != nullptr && SSL_session_reused(client.get()) != 1)
    return Error{ErrorKind::internal, "a session was not resumed in memory"};
  return ticket;
}

}  // namespace dske::bench
