#include "manager/console.h"

#include <iostream>

namespace dske::manager {

// One write each: lines of different threads do not mix.
bool say(const std::string& text) {
  std::cout << text + "\n" << std::flush;
  return std::cout.good();
}

void complain(const std::string& message) {
  std::cerr << "dske-manager: " + message + "\n";
}

}  // namespace dske::manager
