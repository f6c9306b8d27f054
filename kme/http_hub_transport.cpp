#include "kme/http_hub_transport.h"

#include <utility>

#include "base/fault_point.h"
#include "dske/message_authentication.h"
#include "dske/polling_authentication.h"

namespace dske::kme {
namespace {

constexpr std::chrono::seconds kTimeout{5};
constexpr std::size_t kAnswerBytesMost = std::size_t{32} << 20;

}  // namespace

void HttpHubTransport::send(const HubAddress& hub, HubRequest request, Done done) {
  http::Call call;
  call.method = std::move(request.method);
  call.url = hub.endpoint + request.target;
  call.headers.push_back({std::move(request.signature_header), std::move(request.signature)});
  if (!request.body.empty()) call.content_type = request.content_type;
  call.body = std::move(request.body);
  call.timeout = kTimeout + request.wait;
  call.most_answer_bytes = kAnswerBytesMost;
  pass(FaultPoint::kme_send);
  loop_.send(std::move(call), [done = std::move(done)](Result<http::Answer> answer) mutable {
    if (!answer) return done(Error{ErrorKind::unavailable, answer.error().message});
    pass(FaultPoint::kme_received);
    HubAnswer received;
    received.status = answer->status;
    received.signature = std::string(answer->header(kSignatureHeader));
    received.polling = std::string(answer->header(kPollingHeader));
    received.body = std::move(answer->body);
    done(std::move(received));
  });
}

}  // namespace dske::kme
