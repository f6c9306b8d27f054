// What the manager says: to standard output what it does, to standard error what went wrong. Thread-safe.
#pragma once

#include <string>

#include "base/result.h"

namespace dske::manager {

/// One line (or several) on standard output, at once; whether it could be written (a reader may have gone).
bool say(const std::string& text);
/// "dske-manager: MESSAGE" on standard error.
void complain(const std::string& message);

}  // namespace dske::manager
