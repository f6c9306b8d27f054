// Finds the handler of a request with Pistache's request parser and Rest::Router. The only place that
// includes those.
//
// Pistache gets one canonical request per look-up, "METHOD PATH HTTP/1.1" and no header: its typed headers
// throw on values that are merely odd, its query map drops repeated names, and its body is a string that is
// never wiped. Its router answers misses by itself, through a transport that is not running here, so a custom
// handler takes them all.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/server.h"

namespace dske::http {

using Routes = std::vector<Route>;

/// Not thread-safe, not even to look up: every worker has its own.
class Router {
 public:
  struct Match {
    const Handler* handler = nullptr;     ///< lives as long as the routes
    std::vector<std::string> parameters;  ///< what stood in the pattern's ":name" segments
    std::string allow;  ///< without a handler: the methods that this path has; empty if it is unknown
  };

  /// Fails if a pattern is malformed, a method is not one of Route's, or a route occurs twice.
  [[nodiscard]] static Result<std::unique_ptr<Router>> make(std::shared_ptr<const Routes> routes,
                                                            std::size_t most_path_bytes);
  ~Router();

  /// `path` as the framer lets it through, without the query. HEAD finds GET's handler.
  [[nodiscard]] Match find(std::string_view method, std::string_view path);

 private:
  struct Content;
  explicit Router(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

/// A method of RFC 9110 or 5789, which a path has or has not (405); any other is answered with 501.
[[nodiscard]] bool is_known_method(std::string_view method);

}  // namespace dske::http
