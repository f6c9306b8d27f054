#include "base/fault_point.h"

#ifdef DSKE_FAULT_POINTS

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <unistd.h>

namespace dske {
namespace {

constexpr bool in_order() {
  for (std::size_t i = 0; i < kFaultPoints.size(); ++i) {
    if (static_cast<std::size_t>(kFaultPoints.at(i).point) != i) return false;
  }
  return kFaultPoints.size() == static_cast<std::size_t>(FaultPoint::assign_done) + 1;
}
static_assert(in_order());

enum class Action { kill, fail, pause };

struct Fault {
  FaultPoint point;
  std::uint64_t occurrence;
  Action action;
  int error;  // of Action::fail
};

[[noreturn]] void misunderstood(const char* text) {
  static_cast<void>(std::fprintf(
      stderr, "DSKE_FAULT=%s is not NAME:OCCURRENCE:kill|EIO|ENOSPC|pause of a point that can\n", text));
  std::_Exit(2);
}

std::string_view take_word(std::string_view& text) {
  const auto colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  return word;
}

Fault parse(const char* variable) {
  std::string_view text(variable);
  const std::string_view name = take_word(text);
  const std::string_view number = take_word(text);
  std::uint64_t occurrence = 0;
  const auto [end, wrong] = std::from_chars(number.data(), number.data() + number.size(), occurrence);
  if (wrong != std::errc() || end != number.data() + number.size() || occurrence == 0)
    misunderstood(variable);
  for (const FaultPointInfo& info : kFaultPoints) {
    if (info.name != name) continue;
    if (text == "kill") return {info.point, occurrence, Action::kill, 0};
    if (text == "pause") return {info.point, occurrence, Action::pause, 0};
    if (text == "EIO" && info.can_fail) return {info.point, occurrence, Action::fail, EIO};
    if (text == "ENOSPC" && info.can_fail) return {info.point, occurrence, Action::fail, ENOSPC};
  }
  misunderstood(variable);
}

std::optional<Fault> chosen_fault() {
  const char* variable = std::getenv("DSKE_FAULT");  // NOLINT(concurrency-mt-unsafe): nobody changes it
  if (variable == nullptr) return std::nullopt;
  return parse(variable);
}

}  // namespace

inline namespace with_faults {

int fault_at(FaultPoint point) {
  static const std::optional<Fault> fault = chosen_fault();
  static std::atomic<std::uint64_t> passed{0};
  if (!fault || fault->point != point || ++passed != fault->occurrence) return 0;
  switch (fault->action) {
    case Action::kill:
      ::kill(::getpid(), SIGKILL);
      while (true) ::pause();
    case Action::pause:
      ::kill(::getpid(), SIGSTOP);
      return 0;
    case Action::fail:
      return fault->error;
  }
  return 0;
}

}  // namespace with_faults
}  // namespace dske

#endif
