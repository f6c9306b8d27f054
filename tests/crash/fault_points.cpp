// Lists the points at which a build with DSKE_FAULT_POINTS can be killed: name, which daemons pass it (both,
// hub, kme), whether the step can fail, and what it is; one per line, separated by tabs.
#include <iostream>

#include "base/fault_point.h"

namespace {

const char* text_of(dske::FaultPlace place) {
  switch (place) {
    case dske::FaultPlace::hub:
      return "hub";
    case dske::FaultPlace::kme:
      return "kme";
    case dske::FaultPlace::both:
      break;
  }
  return "both";
}

}  // namespace

int main() {
  for (const dske::FaultPointInfo& info : dske::kFaultPoints) {
    std::cout << info.name << '\t' << text_of(info.place) << '\t' << (info.can_fail ? "fails" : "kills")
              << '\t' << info.what << '\n';
  }
}
