// A node's own documentation: /docs, /openapi.json and what the page loads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/server.h"

namespace dske::node {

struct ApiDocument {
  std::string name;       ///< as the page shows it
  std::string file;       ///< "hub.json": served at /openapi/hub.json
  std::string_view json;  ///< lives as long as the program
  /// Where what it describes is served ("https://192.0.2.1:8105"), if not where the documentation is.
  std::string server = {};
};

/// The first document is also /openapi.json.
[[nodiscard]] std::vector<http::Route> documentation_routes(std::vector<ApiDocument> documents);

}  // namespace dske::node
