#include "node/captured_output.h"

#include <iostream>
#include <sstream>

namespace dske::node::test {
namespace {

// Points a stream elsewhere while it lives.
class Redirected {
 public:
  explicit Redirected(std::ostream& stream) : stream_(stream), before_(stream.rdbuf(text_.rdbuf())) {}
  ~Redirected() { stream_.rdbuf(before_); }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostream& stream_;
  std::ostringstream text_;
  std::streambuf* before_;
};

}  // namespace

Captured capture(const std::function<int()>& run) {
  const Redirected output(std::cout);
  const Redirected errors(std::cerr);
  const int status = run();
  return {status, output.text(), errors.text()};
}

}  // namespace dske::node::test
