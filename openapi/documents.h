// The interface descriptions (OpenAPI 3.1) of this folder and the page that shows them, embedded in the
// program. All views are valid for the life of the program.
#pragma once

#include <string_view>

namespace dske::openapi {

/// etsi014.yaml as JSON: what encryptors call at a KME.
[[nodiscard]] std::string_view etsi014_json();
/// hub.yaml as JSON: what KMEs call at a hub (the DSKE protocol), and a hub's management.
[[nodiscard]] std::string_view hub_json();
/// kme-management.yaml as JSON: a KME's management.
[[nodiscard]] std::string_view kme_management_json();

/// docs.html, one page without any external reference. It loads "openapi/index.json" beside it, an array of
/// {"name", "url"} of descriptions, or else "openapi.json", and calls the node that serves it. Where a third
/// member, "server", tells another origin, the page cannot call it and gives the curl command alone.
[[nodiscard]] std::string_view docs_page_html();
/// The value of the Content-Security-Policy header to serve the page with: it allows the page's own style and
/// script by their hashes, and requests to the node itself.
[[nodiscard]] std::string_view docs_page_content_security_policy();

}  // namespace dske::openapi
