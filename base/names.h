// The names of the field's things, each a type of its own, checked once where they enter.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/uuid.h"

namespace dske {

using HubId = UuidOf<struct HubIdTag>;  ///< made when a hub is initialised; what a bundle's hub list holds
using ClientId = UuidOf<struct ClientIdTag>;  ///< a client's id at one hub
using BlockId = UuidOf<struct BlockIdTag>;    ///< a PSRD block
using KeyId = UuidOf<struct KeyIdTag>;        ///< a key, as ETSI GS QKD 014 names it (key_ID)

/// Checks a hub's or client's name: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit, so that it
/// fits into URLs, file names and certificates as it is.
[[nodiscard]] Result<std::string> checked_node_name(std::string_view text);
/// Checks an SAE ID: 1 to 512 bytes of UTF-8 without control characters. ETSI GS QKD 014 leaves the form
/// open; products send up to 291 characters.
[[nodiscard]] Result<std::string> checked_sae_id(std::string_view text);

template <class Tag, Result<std::string> (*check)(std::string_view)>
class CheckedName {
 public:
  CheckedName() = default;
  [[nodiscard]] static Result<CheckedName> parse(std::string_view text) {
    auto checked = check(text);
    if (!checked) return checked.error();
    CheckedName name;
    name.text_ = std::move(*checked);
    return name;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

  auto operator<=>(const CheckedName&) const = default;

 private:
  std::string text_;
};

using HubName = CheckedName<struct HubNameTag, checked_node_name>;
/// A KME's name; towards hubs it is a DSKE client, with the same name at every hub.
using ClientName = CheckedName<struct ClientNameTag, checked_node_name>;
using SaeId = CheckedName<struct SaeIdTag, checked_sae_id>;

}  // namespace dske

template <class Tag, dske::Result<std::string> (*check)(std::string_view)>
struct std::hash<dske::CheckedName<Tag, check>> {
  std::size_t operator()(const dske::CheckedName<Tag, check>& name) const noexcept {
    return std::hash<std::string>()(name.text());
  }
};
