#include "node/soft_token.h"

#include <cstdlib>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace dske::test {
namespace {

void run(const std::string& command) {
  REQUIRE(std::system((command + " >/dev/null 2>&1").c_str()) == 0);  // NOLINT(*-env33-c): fixed words
}

}  // namespace

SoftToken::SoftToken() {
  const auto conf = directory_.path() / "softhsm2.conf";
  std::filesystem::create_directory(directory_.path() / "tokens");
  std::ofstream(conf) << "directories.tokendir = " << (directory_.path() / "tokens").string()
                      << "\nobjectstore.backend = file\nlog.level = ERROR\n";
  ::setenv("SOFTHSM2_CONF", conf.c_str(), 1);
  write_pin("1234\n");
}

SoftToken::~SoftToken() {
  ::unsetenv("SOFTHSM2_CONF");
}

void SoftToken::make(const std::string& label) const {
  run("softhsm2-util --init-token --free --label '" + label + "' --pin 1234 --so-pin 5678");
}

void SoftToken::remove(const std::string& label) const {
  run("softhsm2-util --delete-token --token '" + label + "'");
}

node::KeyToken SoftToken::place(const std::string& label) const {
  return {"/usr/lib/softhsm/libsofthsm2.so", label, "dske", directory_.path() / "pin",
          directory_.path() / "node.key.sealed"};
}

void SoftToken::write_pin(const std::string& text) const {
  std::ofstream(directory_.path() / "pin") << text;
  REQUIRE(::chmod((directory_.path() / "pin").c_str(), 0600) == 0);
}

}  // namespace dske::test
