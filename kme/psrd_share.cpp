#include "kme/psrd_share.h"

#include <cmath>

namespace dske::kme {
namespace {

constexpr double kForgottenSeconds = 60;  // what was taken fades to a third in this time

bool leaves_as_much(double taken, std::uint64_t cost, std::uint64_t left) {
  return taken + 2 * static_cast<double>(cost) <= static_cast<double>(left);
}

}  // namespace

bool PsrdShare::take(const SaeId& sae, const PsrdAmount& cost, const PsrdAmount& left) {
  const MonotonicTime now = clock_.now();
  Taken& taken = taken_.try_emplace(sae, Taken{0, 0, now}).first->second;
  const double fade = std::exp(-std::chrono::duration<double>(now - taken.at).count() / kForgottenSeconds);
  taken = {taken.pad_bytes * fade, taken.messages * fade, now};
  if (!leaves_as_much(taken.pad_bytes, cost.pad_bytes, left.pad_bytes) ||
      !leaves_as_much(taken.messages, cost.messages, left.messages)) {
    return false;
  }
  taken.pad_bytes += static_cast<double>(cost.pad_bytes);
  taken.messages += static_cast<double>(cost.messages);
  return true;
}

}  // namespace dske::kme
