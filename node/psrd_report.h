// How PSRD levels are told to operators.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "dske/leased_pool.h"
#include "node/psrd_rates.h"

namespace dske::node {

/// The PSRD object of docs/management.md.
void write_psrd_levels(json::Writer& writer, const PsrdLevels& levels);
/// The same of all blocks together, with the rates if they are known.
void write_psrd_levels(json::Writer& writer, const PsrdLevels& levels, const std::optional<PsrdRates>& rates);

/// Adds a warning to `warnings` when a level is at or under 25 % or 10 %. `whose` names the other side, "hub
/// hank" for example.
void warn_of_psrd_level(std::vector<std::string>& warnings, const std::string& whose,
                        const PsrdLevels& levels);

/// Writes the member "warnings".
void write_warnings(json::Writer& writer, const std::vector<std::string>& warnings);

/// For a person: a table of the peers in `entries`, an array of {"name", "psrd": PSRD}, a line per zone; then
/// the warnings. `peer` heads the column of the names.
[[nodiscard]] std::string psrd_table(const std::string& peer, const json::Value& entries,
                                     const std::optional<json::Value>& warnings);

}  // namespace dske::node
