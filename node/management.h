// The management interface of a node: which calls need the token, and how they answer errors.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/server.h"

namespace dske::node {

/// Answers a management call; may be kept and used later, from any thread.
class ManagementReply {
 public:
  explicit ManagementReply(http::Reply reply) : reply_(std::move(reply)) {}
  void send(int status, SecretBytes json) { reply_.send({status, "application/json", {}, std::move(json)}); }
  /// The HTTP status that fits the error's kind, with its message.
  void fail(const Error& error);

 private:
  http::Reply reply_;
};

using ManagementHandler = std::function<void(const http::Request&, ManagementReply)>;

/// A route below the node's /mgmt/v1 that answers 401 unless `Authorization: Bearer TOKEN` is right.
[[nodiscard]] http::Route management_route(const std::shared_ptr<const SecretBytes>& token,
                                           std::string method, std::string pattern,
                                           ManagementHandler handler);

}  // namespace dske::node
