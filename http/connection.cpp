#include "http/connection.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "base/log.h"

namespace dske::http {
namespace {

/// What one connection may do before others have their turn: a step reads at most 16 KiB, serves one request
/// or writes at most this much.
constexpr int kStepsPerTurn = 16;
constexpr std::size_t kWriteBytesPerStep = 256 * 1024;
/// One TLS record; also what is copied to join a head and a body into one write.
constexpr std::size_t kTlsPiece = 16 * 1024;
constexpr std::size_t kPlainPiece = 64 * 1024;
/// What may wait in the socket's own buffer: at most a piece of an answer, a TLS handshake's messages and
/// session tickets, answers to key updates. Answers themselves wait unencrypted in the connection.
constexpr std::size_t kMostPendingInSocket = 256 * 1024;

/// RFC 8446, 5.1: type, version and length of what follows.
constexpr std::size_t kRecordHeader = 5;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::size_t kRecordBytesMost = 16 * 1024;

/// How many bytes a connection's first TLS record has, by its first bytes; as far as they tell, if they are
/// none that OpenSSL would accept.
std::size_t first_record_bytes(ByteView beginning) {
  if (beginning[0] != kHandshakeRecord) return beginning.size();
  if (beginning.size() < kRecordHeader) return kRecordHeader;
  const std::size_t length = std::size_t{beginning[3]} << 8 | beginning[4];
  return length > kRecordBytesMost ? beginning.size() : kRecordHeader + length;
}

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

Response refusal_response(Refusal refusal) {
  return message_response(refusal.status, refusal.message);
}

/// The answer to a request that no handler serves.
Response routeless_response(const Request& request, const std::string& allow) {
  if (request.method == "OPTIONS" && (!allow.empty() || request.path == "*")) {
    Response response;
    response.status = 204;
    response.headers.push_back({"Allow", allow.empty() ? "GET, HEAD, POST, PUT, DELETE, OPTIONS" : allow});
    return response;
  }
  if (!is_known_method(request.method)) return message_response(501, "the method is not known");
  if (allow.empty()) return message_response(404, "there is nothing at this path");
  Response response = message_response(405, "the path does not have this method, only " + allow);
  response.headers.push_back({"Allow", allow});
  return response;
}

}  // namespace

Connection::Connection(ConnectionId id, int fd, std::string peer_address, AddressLimits::Place place,
                       Deadlines::Handle deadline, Protocol protocol)
    : id_(id),
      peer_address_(std::move(peer_address)),
      place_(std::move(place)),
      deadline_(deadline),
      socket_(fd, kMostPendingInSocket),
      stream_(socket_),
      state_(protocol == Protocol::tls ? State::handshake : State::reading) {}

void Connection::note_hang_up() {
  // While lingering this is the peer's answer to our own end.
  state_ = State::finished;
}

Connection::Outcome Connection::advance(Surroundings& around) {
  blocked_ = false;
  for (int step = 0; step < kStepsPerTurn; ++step) {
    socket_.flush();
    if (stream_.broken() && state_ != State::lingering) state_ = State::finished;
    switch (state_) {
      case State::handshake:
        shake_hands(around);
        break;
      case State::reading:
        read_request(around);
        break;
      case State::handling:
        blocked_ = true;
        break;
      case State::writing:
        write_answer(around);
        break;
      case State::lingering:
        drain(around);
        break;
      case State::finished:
        return Outcome::finished;
    }
    if (blocked_) return Outcome::waiting;
  }
  return Outcome::more;
}

void Connection::shake_hands(Surroundings& around) {
  wait_for(Wait::handshake, around);
  if (around.stopping) {
    state_ = State::finished;
    return;
  }
  if (!begin_handshake(around)) return;
  switch (stream_.handshake()) {
    case Stream::Handshake::done:
      identity_ = stream_.identity();
      if (around.tls != nullptr) tls_exported_ = stream_.exported(around.tls->exporter_label());
      around.deadlines.clear(deadline_);
      state_ = State::reading;
      break;
    case Stream::Handshake::waiting:
      blocked_ = true;
      break;
    case Stream::Handshake::failed:
      log_refusal("the TLS handshake failed", stream_.failure(),
                  stream_.certificate_refused() ? around.certificate_log_budget : around.log_budget, around);
      start_lingering();  // so that the peer gets the alert that says why
      break;
  }
}

bool Connection::begin_handshake(Surroundings& around) {
  if (tls_) return true;
  if (!handshake_turn_) {
    // Who has not sent a whole first message takes no more than a descriptor and a few hundred bytes, and
    // nobody's turn.
    std::array<std::uint8_t, kRecordHeader> header{};
    const ReadOutcome seen = socket_.peek(header);
    if (seen.kind == ReadOutcome::Kind::end || seen.kind == ReadOutcome::Kind::broken) {
      state_ = State::finished;
      return false;
    }
    if (seen.size == 0 || socket_.readable_bytes() < first_record_bytes(ByteView(header).first(seen.size))) {
      blocked_ = true;
      return false;
    }
    handshake_turn_ = around.handshakes.reserve(place_.address(), around.now);
    if (!handshake_turn_) {
      log_refusal("the TLS handshake was not begun",
                  "there are too many per second, in all or from this address", around.log_budget, around);
      state_ = State::finished;
      return false;
    }
    if (*handshake_turn_ > around.now) around.delayed.emplace(*handshake_turn_, id_);
  }
  if (*handshake_turn_ > around.now) {
    blocked_ = true;
    return false;
  }
  const auto context = around.tls->current();
  tls_ = context->new_session(socket_);
  if (!tls_) {
    log::error("{}: no TLS session can be made: out of memory", around.server_name);
    state_ = State::finished;
    return false;
  }
  trusted_in_generation_ = context->generation();
  stream_.use_tls(tls_.get());
  return true;
}

void Connection::read_request(Surroundings& around) {
  if (socket_
          .pending()) {  // session tickets or "100 Continue"; who does not read them gets nothing more to do
    wait_for_writing(around);
    return;
  }
  if (!unread_.empty()) {
    const SecretBytes bytes = std::move(unread_);
    feed(bytes.view(), around);
    return;
  }
  if (may_read_) {
    const ReadOutcome outcome = stream_.read(around.read_buffer.span());
    switch (outcome.kind) {
      case ReadOutcome::Kind::bytes:
        feed(around.read_buffer.view().first(outcome.size), around);
        wipe(around.read_buffer.span().first(outcome.size));
        return;
      case ReadOutcome::Kind::nothing_yet:
        may_read_ = false;
        break;
      case ReadOutcome::Kind::end:
      case ReadOutcome::Kind::broken:
        state_ = State::finished;
        return;
    }
  }
  const bool started = framer_ != nullptr && framer_->started();
  if (around.stopping && !started) {
    state_ = State::finished;
    return;
  }
  if (started) {
    wait_for(framer_->state() == Framer::State::head ? Wait::head : Wait::body, around);
  } else {
    framer_.reset();  // an idle connection holds no buffers
    wait_for(served_ ? Wait::keep_alive : Wait::head, around);
  }
  blocked_ = true;
}

void Connection::feed(ByteView bytes, Surroundings& around) {
  if (!framer_) {
    const ServerLimits& limits = around.limits;
    framer_ = std::make_unique<Framer>(
        FramerLimits{limits.request_head_bytes, limits.request_headers, limits.body_bytes});
  }
  const std::size_t taken = framer_->feed(bytes);
  if (taken < bytes.size()) unread_ = SecretBytes::copy_of(bytes.subspan(taken));
  switch (framer_->state()) {
    case Framer::State::complete:
      handle_request(around);
      break;
    case Framer::State::refused:
      is_http_1_0_ = framer_->head().is_http_1_0;
      is_head_request_ = framer_->head().request.method == "HEAD";
      refuse(framer_->refusal(), around);
      break;
    case Framer::State::body:
      if (framer_->take_continue()) stream_.write(as_bytes(kContinue));
      break;
    case Framer::State::head:
      break;
  }
}

void Connection::handle_request(Surroundings& around) {
  RequestHead head = framer_->take();
  around.deadlines.clear(deadline_);
  if (!is_still_trusted(around)) {
    state_ = State::finished;
    return;
  }
  close_after_ = !head.keep_alive;
  is_http_1_0_ = head.is_http_1_0;
  is_head_request_ = head.request.method == "HEAD";
  state_ = State::handling;

  Router::Match match = around.router.find(head.request.method, head.request.path);
  if (match.handler == nullptr) {
    return start_answer(routeless_response(head.request, match.allow), {}, around);
  }
  head.request.peer_address = peer_address_;
  head.request.identity = identity_;
  head.request.tls_exported = tls_exported_;
  head.request.parameters = std::move(match.parameters);
  Dispatch dispatch(*around.inbox, id_);
  try {
    (*match.handler)(std::move(head.request), Reply(std::make_unique<ConnectionSink>(around.inbox, id_)));
  } catch (const std::exception& error) {
    log::error("{}: a request's handler failed: {}", around.server_name, error.what());
  } catch (...) {
    log::error("{}: a request's handler failed", around.server_name);
  }
  if (dispatch.answer)
    start_answer(std::move(dispatch.answer->response), std::move(dispatch.answer->written), around);
}

bool Connection::is_still_trusted(Surroundings& around) {
  if (!identity_) return true;
  constexpr std::string_view kCutOff = "the connection was closed";
  if (identity_->expires < around.wall) {
    log_refusal(kCutOff, "the certificate of \"" + identity_->subject + "\" has expired",
                around.certificate_log_budget, around);
    return false;
  }
  if (around.tls->generation() == trusted_in_generation_) return true;
  const auto context = around.tls->current();
  if (const auto refusal = context->refusal(tls_.get())) {
    log_refusal(kCutOff, "its certificate is not accepted any more: " + *refusal,
                around.certificate_log_budget, around);
    return false;
  }
  trusted_in_generation_ = context->generation();
  return true;
}

void Connection::give_answer(Response response, Reply::Written written, Surroundings& around) {
  if (state_ != State::handling) return report(written, false);
  start_answer(std::move(response), std::move(written), around);
}

void Connection::refuse(Refusal refusal, Surroundings& around) {
  close_after_ = true;
  start_answer(refusal_response(refusal), {}, around);
}

void Connection::start_answer(Response response, Reply::Written written, Surroundings& around) {
  if (response.status < 200 || response.status > 599) {
    log::error("{}: a handler answered with the status {}", around.server_name, response.status);
    response = message_response(500, "the request could not be served");
  }
  if (around.stopping) close_after_ = true;
  if (response.body.size() > around.limits.pending_write_bytes) {
    log::error("{}: an answer of {} bytes is over the limit", around.server_name, response.body.size());
    report(written, false);
    state_ = State::finished;
    return;
  }
  answer_head_ = response_head(response, {is_head_request_, is_http_1_0_, close_after_, around.date});
  if (!is_head_request_ && status_has_body(response.status)) answer_body_ = std::move(response.body);
  answer_offset_ = 0;
  written_ = std::move(written);
  state_ = State::writing;
}

void Connection::write_answer(Surroundings& around) {
  const std::size_t whole = answer_head_.size() + answer_body_.size();
  const std::size_t piece = stream_.is_tls() ? kTlsPiece : kPlainPiece;
  std::size_t budget = kWriteBytesPerStep;
  while (answer_offset_ < whole && !socket_.pending() && !stream_.broken() && budget >= piece) {
    std::size_t size = 0;
    if (answer_offset_ < answer_head_.size()) {
      const ByteView head = answer_head_.view().subspan(answer_offset_);
      const MutableByteView buffer = around.write_buffer.span();
      const std::size_t of_head = std::min(head.size(), buffer.size());
      const std::size_t of_body = std::min(answer_body_.size(), buffer.size() - of_head);
      std::copy_n(head.begin(), of_head, buffer.begin());
      std::copy_n(answer_body_.view().begin(), of_body,
                  buffer.begin() + static_cast<std::ptrdiff_t>(of_head));
      size = of_head + of_body;
      stream_.write(buffer.first(size));
      wipe(buffer.first(size));
    } else {
      const ByteView rest = answer_body_.view().subspan(answer_offset_ - answer_head_.size());
      size = std::min(rest.size(), piece);
      stream_.write(rest.first(size));
    }
    answer_offset_ += size;
    budget -= piece;
  }
  if (stream_.broken()) {
    state_ = State::finished;
  } else if (socket_.pending()) {
    wait_for_writing(around);
  } else if (answer_offset_ == whole) {
    answer_written(around);
  }
}

void Connection::answer_written(Surroundings& around) {
  answer_head_ = SecretBytes();
  answer_body_ = SecretBytes();
  served_ = true;
  around.deadlines.clear(deadline_);
  if (close_after_) {
    start_lingering();
  } else {
    state_ = State::reading;
  }
  report(written_, true);
}

void Connection::start_lingering() {
  stream_.end_writing();
  state_ = State::lingering;
}

/// Reads what the peer still sends, so that the kernel does not answer it with a reset, which could take our
/// last answer from the peer before it has read it.
void Connection::drain(Surroundings& around) {
  wait_for(Wait::linger, around);
  if (socket_.broken()) {
    state_ = State::finished;
    return;
  }
  if (!sent_end_ && !socket_.pending()) {
    socket_.shut_down_writing();
    sent_end_ = true;
  }
  if (may_read_) {
    const ReadOutcome outcome = socket_.read(around.read_buffer.span());
    switch (outcome.kind) {
      case ReadOutcome::Kind::bytes:
        wipe(around.read_buffer.span().first(outcome.size));
        return;
      case ReadOutcome::Kind::nothing_yet:
        may_read_ = false;
        break;
      case ReadOutcome::Kind::end:
        may_read_ = false;
        if (!socket_.pending()) state_ = State::finished;
        return;
      case ReadOutcome::Kind::broken:
        state_ = State::finished;
        return;
    }
  }
  blocked_ = true;
}

void Connection::note_deadline(Wait wait, Surroundings& around) {
  around.deadlines.clear(deadline_);
  const bool started = state_ == State::reading && framer_ != nullptr && framer_->started();
  if ((wait == Wait::head || wait == Wait::body) && started) {
    is_http_1_0_ = framer_->head().is_http_1_0;
    is_head_request_ = false;
    refuse({408, wait == Wait::head ? "the request's head did not arrive in time"
                                    : "the body did not arrive in time"},
           around);
    return;
  }
  if (wait == Wait::handshake)
    log_refusal("the TLS handshake failed", "it took too long", around.log_budget, around);
  state_ = State::finished;
}

void Connection::note_crowd(Surroundings& around) {
  log_refusal("the connection was closed", "there are too many, and it had waited the longest",
              around.log_budget, around);
  state_ = State::finished;
}

void Connection::log_refusal(std::string_view what, const std::string& cause, LogBudget& budget,
                             Surroundings& around) {
  const auto swallowed = budget.spend(around.now);
  if (!swallowed) return;
  log::warning(
      "{}: {}: {}: {}{}", around.server_name, peer_address_, what, cause,
      *swallowed == 0 ? "" : " (" + std::to_string(*swallowed) + " such lines before were left out)");
}

void Connection::end() {
  // Not in the middle of an answer: the peer shall not take its end for the answer's.
  if (answer_head_.empty() && state_ != State::lingering && !stream_.broken()) stream_.end_writing();
  report(written_, false);
}

void Connection::wait_for(Wait wait, Surroundings& around) {
  if (Deadlines::waiting_for(deadline_) != wait) around.deadlines.set(deadline_, wait, around.now);
}

void Connection::wait_for_writing(Surroundings& around) {
  if (Deadlines::waiting_for(deadline_) != Wait::write || socket_.written() != written_mark_) {
    around.deadlines.set(deadline_, Wait::write, around.now);
    written_mark_ = socket_.written();
  }
  blocked_ = true;
}

}  // namespace dske::http
