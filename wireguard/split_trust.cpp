#include "wireguard/split_trust.h"

#include <algorithm>

namespace dske::wireguard {

Result<Require> parse_require(std::string_view text) {
  if (text == "all") return Require::all;
  if (text == "dske") return Require::dske;
  if (text == "any") return Require::any;
  return invalid("must be all, dske or any");
}

std::string refusal_of(const SplitTrust& trust, const std::vector<Source>& sources) {
  const auto has = [&](Source source) {
    return std::find(sources.begin(), sources.end(), source) != sources.end();
  };
  if (has(Source::tls) && !trust.tls) return "the source tls is not configured at this end";
  if (has(Source::file) && !trust.uses_file()) return "no secret_file is configured at this end";
  if (has(Source::previous) && !trust.ratchet) return "the ratchet is not configured at this end";
  if (!has(Source::dske) && trust.require != Require::any) return "a DSKE key is required";
  if (trust.require == Require::all) {
    if (trust.tls && !has(Source::tls)) return "the source tls is required";
    if (trust.uses_file() && !has(Source::file)) return "secret_file is required";
  }
  const bool only_previous =
      std::all_of(sources.begin(), sources.end(), [](Source source) { return source == Source::previous; });
  return only_previous ? "a source beside the previous key is required" : "";
}

}  // namespace dske::wireguard
