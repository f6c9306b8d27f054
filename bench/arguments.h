// The words and options behind a subcommand of dske-bench.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dske::bench {

/// Reads "--name VALUE" and "--name=VALUE"; the first fault is kept and told by fault(). Numbers are decimal.
class Arguments {
 public:
  /// `flags` are the options without a value.
  Arguments(std::vector<std::string> raw, const std::vector<std::string>& flags);

  /// What is no option.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
  /// The option's number, or `otherwise` if it is not given; a fault if it is none or out of its limits.
  template <class Number>
  [[nodiscard]] Number number(const std::string& option, Number otherwise, std::uint64_t least,
                              std::uint64_t most) {
    return static_cast<Number>(read_number(option, static_cast<std::uint64_t>(otherwise), least, most));
  }
  [[nodiscard]] std::string text(const std::string& option, const std::string& otherwise);
  [[nodiscard]] bool flag(const std::string& option);
  void fail(const std::string& fault);
  /// What is wrong; also options that nobody asked for. Empty if nothing.
  [[nodiscard]] std::string fault() const;

 private:
  [[nodiscard]] std::uint64_t read_number(const std::string& option, std::uint64_t otherwise,
                                          std::uint64_t least, std::uint64_t most);

  std::vector<std::string> words_;
  std::map<std::string, std::string> options_;  // those that nobody has asked for yet
  std::string fault_;
};

}  // namespace dske::bench
