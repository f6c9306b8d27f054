#include "http/raw_client.h"

#include <array>
#include <csignal>
#include <cstdlib>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dske::http::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{10000};

FileDescriptor new_socket() {
  return FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// OpenSSL writes to sockets that the server has closed. Only this thread, and only meanwhile: a server under
// test has to see to itself.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~WithoutSigpipe() {
    constexpr timespec kAtOnce{};
    while (::sigtimedwait(&signal_, nullptr, &kAtOnce) > 0) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t signal_{};
  sigset_t before_{};
};

bool readable_within(int fd, milliseconds time) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace

bool RawAnswer::has_header(std::string_view line) const {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

RawClient::RawClient(std::uint16_t port) : RawClient(new_socket(), port) {}

RawClient::RawClient(FileDescriptor socket, std::uint16_t port) : socket_(std::move(socket)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{10, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

RawClient::~RawClient() = default;

bool RawClient::start_tls(const TestCertificates& certificates, const TlsClientOptions& options) {
  const WithoutSigpipe no_signal;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = context_.get();
  REQUIRE(SSL_CTX_load_verify_file(context, certificates.ca_file().c_str()) == 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.least_version != 0) SSL_CTX_set_min_proto_version(context, options.least_version);
  if (options.most_version != 0) {
    SSL_CTX_set_max_proto_version(context, options.most_version);
    if (options.most_version < TLS1_2_VERSION) {
      SSL_CTX_set_min_proto_version(context, options.most_version);
      SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    }
  }
  if (options.identity != nullptr) {
    REQUIRE(SSL_CTX_use_certificate_file(context, options.identity->certificate_file.c_str(),
                                         SSL_FILETYPE_PEM) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context, options.identity->key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  ssl_.reset(SSL_new(context));
  if (!options.alpn.empty()) {
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(options.alpn.data()),
                        static_cast<unsigned>(options.alpn.size()));
  }
  if (options.resume != nullptr) SSL_set_session(ssl_.get(), options.resume);
  SSL_set_fd(ssl_.get(), socket_.get());
  ERR_clear_error();
  return SSL_connect(ssl_.get()) == 1;
}

bool RawClient::send(std::string_view bytes) {
  const WithoutSigpipe no_signal;
  if (ssl_) return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawClient::read_more(milliseconds time) {
  const WithoutSigpipe no_signal;  // reading may answer a key update
  timed_out_ = false;
  std::array<char, 16384> bytes;
  if (!(ssl_ && SSL_pending(ssl_.get()) > 0) && !readable_within(socket_.get(), time)) {
    timed_out_ = true;
    return false;
  }
  ERR_clear_error();
  const ssize_t got = ssl_ ? SSL_read(ssl_.get(), bytes.data(), bytes.size())
                           : ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

RawAnswer RawClient::read_answer(Body body) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(kPatience)) return {};
  }
  RawAnswer answer;
  answer.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  const std::size_t length_at = answer.head.find("Content-Length: ");
  std::size_t length = 0;
  if (length_at != std::string::npos && body == Body::expected) {
    length = std::strtoul(answer.head.c_str() + length_at + 16, nullptr, 10);
  }
  while (buffer_.size() < length) {
    if (!read_more(kPatience)) return {};
  }
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  answer.status = std::atoi(answer.head.c_str() + 9);
  return answer;
}

RawAnswer RawClient::get(std::string_view path) {
  if (!send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n")) return {};
  return read_answer();
}

std::string RawClient::read_to_end() {
  while (read_more(kPatience)) {
  }
  CHECK_FALSE(timed_out_);
  return std::exchange(buffer_, {});
}

bool RawClient::ends_within(milliseconds time) {
  return buffer_.empty() && !read_more(time) && !timed_out_;
}

bool RawClient::is_silent_for(milliseconds time) {
  return buffer_.empty() && !read_more(time) && timed_out_;
}

void RawClient::half_close() {
  const WithoutSigpipe no_signal;
  if (ssl_) SSL_shutdown(ssl_.get());
  ::shutdown(socket_.get(), SHUT_WR);
}

void RawClient::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ssl_.reset();
  socket_.close();
}

}  // namespace dske::http::test
