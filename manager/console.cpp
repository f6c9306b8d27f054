#include "manager/console.h"

#include <cstdio>

namespace dske::manager {

void say(const std::string& text) {
  const std::string line = text + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

void complain(const std::string& message) {
  const std::string line = "dske-manager: " + message + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace dske::manager
