// How PSRD levels are told to operators.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "dske/leased_pool.h"

namespace dske::node {

/// The PSRD object of docs/management.md.
void write_psrd_levels(json::Writer& writer, const PsrdLevels& levels);

/// Adds a warning to `warnings` when a level is at or under 25 % or 10 %. `whose` names the other side, "hub
/// hank" for example.
void warn_of_psrd_level(std::vector<std::string>& warnings, const std::string& whose,
                        const PsrdLevels& levels);

/// The same levels as one line of text for a person.
[[nodiscard]] std::string psrd_levels_text(const json::Value& levels);

}  // namespace dske::node
