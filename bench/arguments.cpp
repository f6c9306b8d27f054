#include "bench/arguments.h"

#include <algorithm>
#include <charconv>

namespace dske::bench {

Arguments::Arguments(std::vector<std::string> raw, const std::vector<std::string>& flags) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (!raw[i].starts_with("--")) {
      words_.push_back(std::move(raw[i]));
      continue;
    }
    const std::size_t equals = raw[i].find('=');
    const std::string name = raw[i].substr(2, equals == std::string::npos ? equals : equals - 2);
    const bool is_flag = std::find(flags.begin(), flags.end(), name) != flags.end();
    std::string value;
    if (equals != std::string::npos) {
      value = raw[i].substr(equals + 1);
      if (is_flag) fail("--" + name + " takes no value");
    } else if (!is_flag) {
      if (i + 1 == raw.size()) {
        fail("--" + name + " needs a value");
        return;
      }
      value = std::move(raw[++i]);
    }
    if (!options_.emplace(name, std::move(value)).second) fail("--" + name + " is given twice");
  }
}

std::uint64_t Arguments::read_number(const std::string& option, std::uint64_t otherwise, std::uint64_t least,
                                     std::uint64_t most) {
  const auto found = options_.find(option);
  if (found == options_.end()) return otherwise;
  const std::string text = std::move(found->second);
  options_.erase(found);
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size() || value < least || value > most)
    fail("--" + option + " is " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

std::string Arguments::text(const std::string& option, const std::string& otherwise) {
  const auto found = options_.find(option);
  if (found == options_.end()) return otherwise;
  std::string value = std::move(found->second);
  options_.erase(found);
  return value;
}

bool Arguments::flag(const std::string& option) {
  return options_.erase(option) > 0;
}

void Arguments::fail(const std::string& fault) {
  if (fault_.empty()) fault_ = fault;
}

std::string Arguments::fault() const {
  if (!fault_.empty() || options_.empty()) return fault_;
  return "--" + options_.begin()->first + " is no option of it";
}

}  // namespace dske::bench
