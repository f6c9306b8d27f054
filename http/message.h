// HTTP messages as handlers and callers see them, free of any library's types.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "http/identity.h"

namespace dske::http {

struct Header {
  std::string name;
  std::string value;
};

/// A complete request that has passed the framer's checks.
struct Request {
  std::string method;  ///< upper case
  std::string path;    ///< as received: percent-encoded, begins with "/", without the query
  std::string query;   ///< as received, without the "?"; empty if there is none
  std::vector<Header> headers;
  SecretBytes body;
  std::string peer_address;  ///< the sender's numeric IP address
  /// Who the client certificate says the sender is; null on a server without mutual TLS.
  std::shared_ptr<const PeerIdentity> identity;
  /// 48 secret bytes that belong to this connection, if the server has an exporter label and the connection
  /// speaks TLS 1.3; null otherwise.
  std::shared_ptr<const SecretBytes> tls_exported = {};
  /// What stood in the pattern's ":name" segments, in their order, still percent-encoded.
  std::vector<std::string> parameters;

  /// The value of the first header of this name (any case), or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// The path with its query, as it was sent.
  [[nodiscard]] std::string target() const { return query.empty() ? path : path + "?" + query; }
};

/// An answer. Content-Length, Connection and Date are the server's business.
struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers;
  SecretBytes body;
};

/// {"message": MESSAGE} with this status.
[[nodiscard]] Response message_response(int status, std::string_view message);

}  // namespace dske::http
