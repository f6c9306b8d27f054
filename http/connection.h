// One connection: from bytes to requests, from answers to bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"
#include "http/address_limits.h"
#include "http/deadlines.h"
#include "http/framer.h"
#include "http/handshake_limits.h"
#include "http/inbox.h"
#include "http/log_budget.h"
#include "http/response_writer.h"
#include "http/router.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/tls_source.h"

namespace dske::http {

/// What a worker lends to its connections while they advance. All of it lives on the worker's thread.
struct Surroundings {
  const std::string& server_name;
  const ServerLimits& limits;
  Router& router;
  Deadlines& deadlines;
  LogBudget& log_budget;
  LogBudget& certificate_log_budget;  ///< floods of other failures do not hide these lines
  HandshakeLimits& handshakes;
  const TlsSource* tls;  ///< null for plain HTTP
  std::shared_ptr<Inbox> inbox;
  SecretBytes read_buffer;  ///< what is read is wiped as soon as it has been framed
  SecretBytes write_buffer;
  Deadlines::Time now;
  std::chrono::system_clock::time_point wall;
  std::string date;
  /// Connections that are to advance at a certain time, whatever happens.
  std::multimap<Deadlines::Time, ConnectionId> delayed;
  bool stopping = false;
};

/// A state machine without waiting: it advances when its socket may have become ready, its answer has come or
/// a deadline has passed, and takes at most one answer at a time. Not thread-safe.
class Connection {
 public:
  enum class Outcome {
    waiting,   ///< for its socket, its answer or its deadline
    more,      ///< could go on, but others should have their turn
    finished,  ///< is to be closed
  };

  enum class Protocol { plain, tls };

  /// Over the non-blocking socket `fd`, which the worker owns.
  Connection(ConnectionId id, int fd, std::string peer_address, AddressLimits::Place place,
             Deadlines::Handle deadline, Protocol protocol);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Deadlines::Handle deadline() const { return deadline_; }

  /// The socket may have become readable or writable.
  void note_ready() { may_read_ = true; }
  /// The socket is closed in both directions.
  void note_hang_up();
  /// The answer that a handler kept for later.
  void give_answer(Response response, Reply::Written written, Surroundings& around);
  void note_deadline(Wait wait, Surroundings& around);
  /// It only waits, and others need its place.
  void note_crowd(Surroundings& around);
  /// Does what can be done now. After note_...() or give_answer().
  [[nodiscard]] Outcome advance(Surroundings& around);
  /// Before it is closed: says goodbye if it can, and reports an answer that is not written as lost.
  void end();

 private:
  enum class State { handshake, reading, handling, writing, lingering, finished };

  void shake_hands(Surroundings& around);
  /// Whether the TLS session is there; makes it when the client has sent something and its turn has come.
  [[nodiscard]] bool begin_handshake(Surroundings& around);
  void read_request(Surroundings& around);
  void feed(ByteView bytes, Surroundings& around);
  void handle_request(Surroundings& around);
  /// Whether the client's certificate, once accepted, still is.
  [[nodiscard]] bool is_still_trusted(Surroundings& around);
  void write_answer(Surroundings& around);
  void answer_written(Surroundings& around);
  void drain(Surroundings& around);

  void start_answer(Response response, Reply::Written written, Surroundings& around);
  void refuse(Refusal refusal, Surroundings& around);
  void start_lingering();
  /// Tells why the client is not served.
  void log_refusal(std::string_view what, const std::string& cause, LogBudget& budget, Surroundings& around);
  /// Sets the deadline, unless the same wait is going on already.
  void wait_for(Wait wait, Surroundings& around);
  void wait_for_writing(Surroundings& around);

  const ConnectionId id_;
  const std::string peer_address_;
  const AddressLimits::Place place_;
  const Deadlines::Handle deadline_;
  Socket socket_;
  TlsSession tls_;
  Stream stream_;
  std::unique_ptr<Framer> framer_;
  std::shared_ptr<const PeerIdentity> identity_;
  std::shared_ptr<const SecretBytes> tls_exported_;
  std::uint64_t trusted_in_generation_ = 0;        // of the TLS source
  std::optional<Deadlines::Time> handshake_turn_;  // once something has come

  State state_ = State::reading;
  bool blocked_ = false;      // nothing more to do before something happens
  bool may_read_ = true;      // the socket may hold bytes that have not been read
  bool served_ = false;       // at least one answer has been given
  bool close_after_ = false;  // the answer that is due is the last one
  bool is_head_request_ = false;
  bool is_http_1_0_ = false;
  bool sent_end_ = false;  // the sending side has been shut down

  SecretBytes unread_;  // read from the socket, but of a later request
  SecretBytes answer_head_;
  SecretBytes answer_body_;
  std::size_t answer_offset_ = 0;  // of head and body together, given to the stream
  std::size_t written_mark_ = 0;   // what the kernel had taken when the write deadline was set
  Reply::Written written_;
};

}  // namespace dske::http
