// Runs foreign code in a process of its own.
#pragma once

#include <functional>

#include "base/result.h"
#include "base/secret.h"

namespace dske::node {

/// Calls `action` in a child process and answers what it answers; whatever else it does to its process
/// (threads, signal handlers, memory, a crash) ends with the child. The child's memory is locked as
/// base/process.h says, and it does not outlive this process. Call it before other threads start: only the
/// calling one is in the child.
[[nodiscard]] Result<SecretBytes> call_in_child(const std::function<Result<SecretBytes>()>& action);

}  // namespace dske::node
