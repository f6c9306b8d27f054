#include "http/client.h"
#include "http/curl_call.h"

namespace dske::http {

struct BlockingClient::Content {
  CurlCall curl;
};

BlockingClient::BlockingClient() : content_(std::make_unique<Content>()) {}
BlockingClient::~BlockingClient() = default;

Result<Answer> BlockingClient::send(const Call& call) {
  if (auto begun = content_->curl.begin(call); !begun) return begun.error();
  return content_->curl.finish(curl_easy_perform(content_->curl.handle()));
}

}  // namespace dske::http
