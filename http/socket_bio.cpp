#include "http/socket_bio.h"

namespace dske::http {
namespace {

Socket& socket_of(BIO* bio) {
  return *static_cast<Socket*>(BIO_get_data(bio));
}

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  Socket& socket = socket_of(bio);
  if (size > 0) socket.write({reinterpret_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)});
  return socket.broken() ? -1 : size;
}

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const ReadOutcome outcome =
      socket_of(bio).read({reinterpret_cast<std::uint8_t*>(into), static_cast<std::size_t>(size)});
  switch (outcome.kind) {
    case ReadOutcome::Kind::bytes:
      return static_cast<int>(outcome.size);
    case ReadOutcome::Kind::nothing_yet:
      BIO_set_retry_read(bio);
      return -1;
    case ReadOutcome::Kind::end:
      BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
      return 0;
    case ReadOutcome::Kind::broken:
      break;
  }
  return -1;
}

long bio_control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dske socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  return method;
}

}  // namespace

BIO* new_socket_bio(Socket& socket) {
  static const BIO_METHOD* const method = make_method();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &socket);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace dske::http
