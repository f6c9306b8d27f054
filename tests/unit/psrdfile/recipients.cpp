#include "psrdfile/recipients.h"

#include <cstdlib>

#include <doctest/doctest.h>

namespace dske::test {

void Recipients::run(const std::string& command) const {
  const std::string line = "cd '" + directory_.path().string() + "' && (" + command + ") >/dev/null 2>&1";
  CAPTURE(command);
  REQUIRE(std::system(line.c_str()) == 0);  // NOLINT(*-env33-c): a test's own words
}

void Recipients::make(const std::string& name, const std::string& key) const {
  run("openssl req -x509 -newkey " + key + " -nodes -days 2 -subj /CN=" + name + " -keyout " + name +
      ".key -out " + name + ".crt");
}

RecipientCertificate Recipients::certificate(const std::string& name) const {
  auto read = read_certificate(path(name + ".crt"));
  REQUIRE(read.has_value());
  return std::move(*read);
}

RecipientKey Recipients::key(const std::string& name) const {
  auto read = read_private_key(path(name + ".key"));
  REQUIRE(read.has_value());
  return std::move(*read);
}

}  // namespace dske::test
