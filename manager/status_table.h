// `status` as tables that a person reads at a glance.
#pragma once

#include <string>
#include <vector>

#include "manager/status_report.h"

namespace dske::manager {

/// What the place of output can show.
struct TableStyle {
  bool colours = false;
  bool unicode = false;       ///< block characters in bars; else # and .
  std::size_t columns = 100;  ///< width of the terminal

  /// For standard output as it is.
  [[nodiscard]] static TableStyle of_standard_output();
};

/// The nodes, the courier if there is one, the PSRD that each client has left at each hub, and the warnings.
[[nodiscard]] std::string status_table(const std::vector<NodeReport>& reports, const CourierReport& courier,
                                       const TableStyle& style);

/// "12s", "3m04s", "2h05m", "5d03h".
[[nodiscard]] std::string duration_text(std::int64_t seconds);

}  // namespace dske::manager
