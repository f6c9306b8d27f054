#include "http/curl_call.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include <malloc.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <strings.h>

#include "http/certificate.h"
#include "http/revocation.h"
#include "http/tls_exporter.h"

namespace dske::http {
namespace {

constexpr std::size_t kHeadMost = 64 * 1024;  // status line and headers of an answer
// A connection that was idle for longer is not used again: a server may be about to close it.
constexpr long kIdleSecondsMost = 60;
// libcurl takes 0 for "no limit" and refuses what an int cannot hold.
constexpr std::chrono::milliseconds kTimeoutLeast{1};
constexpr std::chrono::milliseconds kTimeoutMost = std::chrono::hours(24);

// libcurl's memory: parts of requests and answers pass through it, so it is wiped like SecretBytes.
void wiping_free(void* piece) {
  if (piece == nullptr) return;
  wipe({static_cast<std::uint8_t*>(piece), ::malloc_usable_size(piece)});
  std::free(piece);
}

void* wiping_realloc(void* old, std::size_t size) {
  if (old == nullptr) return std::malloc(size);
  void* made = std::malloc(size);
  if (made == nullptr) return nullptr;
  std::memcpy(made, old, std::min(size, ::malloc_usable_size(old)));
  wiping_free(old);
  return made;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// "host:port" of a URL, or the URL itself where it has none.
std::string authority_of(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), &curl_url_cleanup);
  char* host = nullptr;
  char* port = nullptr;
  std::string text = url;
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(parts.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK &&
      curl_url_get(parts.get(), CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
    text = std::string(host) + ":" + port;
  }
  curl_free(host);
  curl_free(port);
  return text;
}

int check_verification(int accepted, X509_STORE_CTX* verification) {
  if (accepted == 1 || !is_about_trusted_authority(verification)) return accepted;
  X509_STORE_CTX_set_error(verification, X509_V_OK);
  return 1;
}

// Of a call that failed before its request went out.
ErrorKind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_LOGIN_DENIED:  // the URL names a user
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return ErrorKind::invalid;
    default:
      return ErrorKind::unavailable;
  }
}

}  // namespace

void init_curl() {
  static const bool ready = curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wiping_free,
                                                 wiping_realloc, ::strdup, std::calloc) == CURLE_OK;
  if (!ready) std::abort();
}

CurlCall::CurlCall() {
  init_curl();
  handle_.reset(curl_easy_init());
  if (handle_ == nullptr) std::abort();
}

CurlCall::~CurlCall() = default;

Result<void> CurlCall::begin(const Call& call, std::optional<std::chrono::seconds> oldest_connection) {
  if (!is_token(call.method)) return invalid("not an HTTP method: " + call.method);
  if (!is_field_value(call.content_type)) return invalid("a content type with control characters");
  for (const Header& header : call.headers) {
    if (!is_token(header.name) || !is_field_value(header.value))
      return invalid("not an HTTP header: " + header.name);
  }
  if (!is_field_value(call.url)) return invalid("a URL with control characters");
  const bool secure = ::strncasecmp(call.url.c_str(), "https:", 6) == 0;
  if (secure && (!call.tls || call.tls->ca_file.empty()))
    return invalid(call.url + ": https needs a CA file");

  call_ = &call;
  answer_ = Answer();
  head_bytes_ = 0;
  head_complete_ = false;
  too_long_ = false;
  sent_ = false;
  refusal_.clear();
  cause_[0] = '\0';
  headers_.reset();
  curl_easy_reset(handle_.get());
  set_transport(call);
  curl_easy_setopt(handle_.get(), CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
  if (secure) set_tls(*call.tls);
  if (oldest_connection) set_oldest_connection(*oldest_connection);
  set_method(call);
  return {};
}

void CurlCall::set_transport(const Call& call) {
  CURL* const handle = handle_.get();
  curl_easy_setopt(handle, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // what is signed is what is sent
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  // Does not wait for a name server that hangs when a call times out or is dropped.
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN, kIdleSecondsMost);
  const auto milliseconds = static_cast<long>(std::clamp(call.timeout, kTimeoutLeast, kTimeoutMost).count());
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, milliseconds);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, cause_.data());
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &CurlCall::on_head);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &CurlCall::on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, &CurlCall::on_request);
  curl_easy_setopt(handle, CURLOPT_PREREQDATA, this);
}

void CurlCall::set_tls(const TlsClientConfig& tls) {
  CURL* const handle = handle_.get();
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(handle, CURLOPT_CAINFO, tls.ca_file.c_str());
  curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);  // no other CA than ours
  if (!tls.certificate_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_SSLCERT, tls.certificate_file.c_str());
    curl_easy_setopt(handle, CURLOPT_SSLKEY, tls.key_file.c_str());
  }
  if (tls.peer_refusal) curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);  // check_peer() does
  // A resumed session's certificate is not looked at again.
  if (tls.peer_refusal || !tls.crl_files.empty()) curl_easy_setopt(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  // The file is read for every connection: it may change, and what on_context() does is for one.
  curl_easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, &CurlCall::on_context);
  curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, this);
  const long least = tls.least_version == "1.3" ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, least);
}

void CurlCall::set_oldest_connection(std::chrono::seconds most) {
  curl_easy_setopt(handle_.get(), CURLOPT_SSL_SESSIONID_CACHE, 0L);
  // For libcurl 0 is no limit.
  const auto seconds = std::clamp<std::int64_t>(most.count(), 1, std::numeric_limits<int>::max());
  curl_easy_setopt(handle_.get(), CURLOPT_MAXLIFETIME_CONN, static_cast<long>(seconds));
}

CURLcode CurlCall::on_context(CURL* /*handle*/, void* context, void* self) {
  return static_cast<CurlCall*>(self)->prepare(static_cast<SSL_CTX*>(context)) ? CURLE_OK
                                                                               : CURLE_SSL_CONNECT_ERROR;
}

bool CurlCall::prepare(SSL_CTX* context) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  const auto lists = use_revocation_lists(context, call_->tls->crl_files, "the CRL file");
  if (!lists) {
    refusal_ = lists.error().message;
    return false;
  }
  if (*lists > 0) SSL_CTX_set_verify(context, SSL_VERIFY_PEER, check_verification);
  // The certificates of encryptors are for clients; between two of them, one has to be the server.
  return !call_->tls->peer_refusal || SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT) == 1;
}

void CurlCall::set_method(const Call& call) {
  CURL* const handle = handle_.get();
  if (call.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (!call.body.empty() || call.method == "POST" || call.method == "PUT") {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    // Not copied; an empty body must not be null, which would mean a read callback.
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.empty() ? "" : call.body.text().data());
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  add_header("Expect:");  // a name with nothing after the colon: libcurl leaves the header out
  add_header(call.content_type.empty() ? "Content-Type:" : "Content-Type: " + call.content_type);
  for (const Header& header : call.headers) {
    add_header(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
}

void CurlCall::add_header(const std::string& line) {
  curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
  if (longer == nullptr) std::abort();
  static_cast<void>(headers_.release());
  headers_.reset(longer);
}

// libcurl repeats a request by itself, on a new connection, when a kept-alive one breaks before the first
// byte of the answer; the server may have acted on it by then. This runs before every sending, so it can
// refuse the second.
int CurlCall::on_request(void* self, char* /*peer*/, char* /*own*/, int /*peer_port*/, int /*own_port*/) {
  auto& call = *static_cast<CurlCall*>(self);
  if (call.sent_ || !call.check_peer()) return CURL_PREREQFUNC_ABORT;
  call.sent_ = true;
  return CURL_PREREQFUNC_OK;
}

bool CurlCall::check_peer() {
  if (!call_->tls || (!call_->tls->peer_refusal && call_->tls->exporter_label.empty())) return true;
  const curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(handle_.get(), CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == nullptr ||
      session->backend != CURLSSLBACKEND_OPENSSL || session->internals == nullptr) {
    refusal_ = "its TLS session is not to be seen";
    return !call_->tls->peer_refusal;
  }
  auto* const ssl = static_cast<SSL*>(session->internals);
  if (call_->tls->peer_refusal) {
    X509* const certificate = SSL_get0_peer_certificate(ssl);
    refusal_ = certificate == nullptr ? "it has no certificate"
                                      : call_->tls->peer_refusal(read_identity(certificate));
    if (!refusal_.empty()) return false;
  }
  answer_.tls_exported = export_secret(ssl, call_->tls->exporter_label);
  return true;
}

std::size_t CurlCall::on_head(const char* line, std::size_t size, std::size_t count, void* self) {
  return static_cast<CurlCall*>(self)->take_head_line({line, size * count}) ? size * count : 0;
}

bool CurlCall::take_head_line(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > kHeadMost) {
    too_long_ = true;
    return false;
  }
  const std::size_t colon = line.find(':');
  if (line.compare(0, 5, "HTTP/") == 0) {  // a further one follows an interim answer (1xx)
    answer_.headers.clear();
    head_complete_ = false;
  } else if (trimmed(line).empty()) {
    head_complete_ = true;
  } else if (!head_complete_ && colon != std::string_view::npos) {  // what comes after the body is left out
    answer_.headers.push_back(
        {std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
  }
  return true;
}

std::size_t CurlCall::on_body(const char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& call = *static_cast<CurlCall*>(self);
  const std::string_view piece(bytes, size * count);
  if (piece.size() > call.call_->most_answer_bytes - call.answer_.body.size()) {
    call.too_long_ = true;
    return 0;
  }
  call.answer_.body.append(piece);
  return piece.size();
}

Error CurlCall::failure(CURLcode code) const {
  const std::string from = "no answer from " + authority_of(call_->url) + ": ";
  if (too_long_) return {ErrorKind::corrupt, from + "it is longer than the limit"};
  if (!refusal_.empty()) return {ErrorKind::unauthenticated, from + refusal_};
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return {ErrorKind::unavailable,
            from + "the connection was closed before it came; the request is not sent twice"};
  }
  return {sent_ ? ErrorKind::unavailable : kind_of(code),
          from + (cause_[0] != '\0' ? cause_.data() : curl_easy_strerror(code))};
}

Result<Answer> CurlCall::finish(CURLcode code) {
  Answer answer = std::move(answer_);
  answer_ = Answer();
  headers_.reset();
  // libcurl is content with an answer that ends in the middle of its head.
  if (code == CURLE_OK && !head_complete_) code = CURLE_PARTIAL_FILE;
  if (code != CURLE_OK) return failure(code);
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace dske::http
