// The error answers of ETSI GS QKD 014 V1.1.1 (clauses 5 and 6.5): a status code and a JSON object with a
// message.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/names.h"
#include "base/secret.h"

namespace dske::etsi014 {

/// An answer other than 200, for the caller to read: it names what was wrong with the request or the KME, and
/// never holds secrets. The standard prescribes the status codes, so they live here.
struct ApiError {
  struct Detail {
    std::string name;
    std::string value;
  };

  int status = 400;
  std::string message;          ///< UTF-8
  std::vector<Detail> details;  ///< one object with one member for each; empty: left out of the answer
};

/// A T, or the error answer that the caller is to get.
template <class T>
class [[nodiscard]] ApiResult : public tl::expected<T, ApiError> {
 public:
  using tl::expected<T, ApiError>::expected;
  ApiResult(ApiError error)
      : tl::expected<T, ApiError>(tl::make_unexpected(std::move(error))) {}  // NOLINT(*-explicit-*)
};

/// The Error object.
[[nodiscard]] SecretBytes to_json(const ApiError& error);

// The answers. Where the standard gives the message word for word, it is sent so.

/// 400 for a request of the wrong form; `message` says which parameter and what is allowed.
[[nodiscard]] ApiError bad_request(std::string message);
[[nodiscard]] ApiError size_not_in_bytes();
/// 400 with a detail for each of `names`, which are extension_mandatory parameters that this KME does not
/// know.
[[nodiscard]] ApiError unsupported_mandatory_extensions(const std::vector<std::string>& names);
/// 400: the KME knows the extension_mandatory parameters and cannot do what they ask now.
[[nodiscard]] ApiError unmet_mandatory_extensions();
/// 400: `sae` of the path, or an additional one, is served by no KME that this one knows.
[[nodiscard]] ApiError unknown_sae(const SaeId& sae);
/// 400: at least one of the requested keys is not here; the others stay available.
[[nodiscard]] ApiError keys_not_found();
/// 401: the caller was not named when one of the requested keys was made, or not with this master SAE.
[[nodiscard]] ApiError not_named_for_keys();
/// 401: the client certificate names no SAE that this KME serves; `reason` says what is wrong with it.
[[nodiscard]] ApiError unauthorized(std::string reason);
/// 404: no method of the standard has this path.
[[nodiscard]] ApiError unknown_path();
/// 415: the body has a Content-Type for which is_json_media_type() is false.
[[nodiscard]] ApiError unsupported_media_type();
/// 503: no key material now; `reason` says why and, if it is known, what would help.
[[nodiscard]] ApiError unavailable(std::string reason);

}  // namespace dske::etsi014
