// The error answers of ETSI GS QKD 014 V1.1.1 (clauses 5 and 6.5): a status code and a JSON object with a
// message.
#pragma once

#include <cstdint>
#include <optional>
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

/// 400 for a request of the wrong form; `message` says what is wrong and what is allowed.
[[nodiscard]] ApiError bad_request(std::string message);

/// The limits of a parameter, in its own unit.
struct Range {
  std::int64_t least;
  std::int64_t most;
};
/// The same for one parameter, which the details name with its limits.
[[nodiscard]] ApiError bad_parameter(std::string_view name, std::string message,
                                     std::optional<Range> range = std::nullopt);
[[nodiscard]] ApiError size_not_in_bytes();
/// 400 with a detail for each of `names`, which are extension_mandatory parameters that this KME does not
/// know.
[[nodiscard]] ApiError unsupported_mandatory_extensions(const std::vector<std::string>& names);
/// An extension parameter that cannot be obeyed, and why.
struct UnmetExtension {
  std::string name;
  std::string reason;
};
/// 400: the KME knows the extension_mandatory parameters and cannot do what these ask now.
[[nodiscard]] ApiError unmet_mandatory_extensions(const std::vector<UnmetExtension>& unmet = {});
/// 400: no KME of the network serves these, the SAE of the path or additional ones; at least one.
[[nodiscard]] ApiError unknown_saes(const std::vector<SaeId>& saes);
/// 400: `missing` of the requested keys are not here; the others stay available. The details name the first
/// hundred.
[[nodiscard]] ApiError keys_not_found(const std::vector<KeyId>& missing = {});
/// 401: the caller was not named when one of the requested keys was made, or not with this master SAE.
[[nodiscard]] ApiError not_named_for_keys();
/// 401: the KME's operator does not let these slave SAEs have keys of this master SAE; at least one.
[[nodiscard]] ApiError pair_not_allowed(const SaeId& master, const std::vector<SaeId>& slaves);
/// 401: the client certificate names no SAE that this KME serves; `reason` says what is wrong with it.
[[nodiscard]] ApiError unauthorized(std::string reason);
/// 404: no method of the standard has this path.
[[nodiscard]] ApiError unknown_path();
/// 415: the body has a Content-Type for which is_json_media_type() is false.
[[nodiscard]] ApiError unsupported_media_type();
/// 429 (RFC 6585): the caller asks more than it may; `reason` says of what.
[[nodiscard]] ApiError too_many_requests(std::string reason);
/// 503: no key material now; `reason` says why and, if it is known, what would help.
[[nodiscard]] ApiError unavailable(std::string reason, std::vector<ApiError::Detail> details = {});

}  // namespace dske::etsi014
