#include "node/operator_call.h"

#include "http/client.h"
#include "node/management_token.h"

namespace dske::node {
namespace {

constexpr std::chrono::seconds kTimeout{120};  // making or ingesting a large PSRD file takes a while

}  // namespace

Result<OfflineOrDaemon> offline_or_daemon(const std::filesystem::path& state_dir) {
  auto lock = DirectoryLock::take(state_dir);
  if (lock) return OfflineOrDaemon(std::move(*lock));
  if (lock.error().kind == ErrorKind::conflict) return OfflineOrDaemon(DaemonRuns{});
  return lock.error();
}

Result<json::Document> call_daemon(const NodeConfig& config, const std::string& method,
                                   const std::string& path, SecretBytes body) {
  const auto token = read_management_token(config.state_dir);
  if (!token) return token.error();
  http::Call call;
  call.method = method;
  call.url = "http://" + host_and_port(config.management_address, config.management_port) + path;
  call.headers.push_back({"Authorization", "Bearer " + std::string(token->text())});
  if (!body.empty()) call.content_type = "application/json";
  call.body = std::move(body);
  call.timeout = kTimeout;
  http::BlockingClient client;
  auto answer = client.send(call);
  if (!answer) return answer.error().within("the daemon runs but its management interface does not answer");
  auto document = json::Document::parse(answer->body.text());
  if (answer->status == 200 && document) return document;
  std::string message = "the daemon answered " + std::to_string(answer->status);
  if (document && document->root().is_object()) {
    if (const auto text = document->root().member("message"))
      message = std::string(text->string().value_or(message));
  }
  return Error{ErrorKind::unavailable, message};
}

}  // namespace dske::node
