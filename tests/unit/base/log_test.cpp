#include "base/log.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "temporary_directory.h"

using namespace dske;
using namespace std::string_view_literals;
using dske::test::TemporaryDirectory;

namespace {

// What `body` writes to standard error.
template <class Body>
std::string standard_error_of(Body body) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  const int before = ::dup(2);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::fflush(stderr);
  ::dup2(file, 2);
  body();
  std::fflush(stderr);
  ::dup2(before, 2);
  ::close(file);
  ::close(before);
  std::ifstream written(path);
  return {std::istreambuf_iterator<char>(written), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("an event is one line of time, level and message") {
  const std::string text = standard_error_of([] {
    log::info("listens on {}:{}", "127.0.0.1", 8100);
    log::warning("{} left", "25 %");
    log::error("{}", "{braces} stay");
  });
  std::string shape = text;
  for (char& c : shape) c = c >= '0' && c <= '9' ? '9' : c;
  const std::string time = "9999-99-99T99:99:99.999Z ";
  CHECK(shape == time + "info listens on 999.9.9.9:9999\n" + time + "warning 99 % left\n" + time +
                     "error {braces} stay\n");
}

TEST_CASE("an event cannot forge another line or drive a terminal") {
  const std::string text = standard_error_of([] {
    log::write(log::Level::info, "a\nb\rc\td\0e\x1b[31mf\x7fg"sv);
    log::write(log::Level::info,
               "next\xc2\x85line \xc2\x9b"
               "31m \xc2\xa0 caf\xc3\xa9");
  });
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find("a\\x0ab\\x0dc\\x09d\\x00e\\x1b[31mf\\x7fg") != std::string::npos);
  CHECK(text.find("next\\x85line \\x9b31m \xc2\xa0 caf\xc3\xa9") != std::string::npos);
}

TEST_CASE("an event that is not UTF-8 is shown in escapes") {
  const std::string text = standard_error_of([] {
    log::write(log::Level::info,
               "a\xff"
               "b\x9b"
               "c");
  });
  CHECK(text.find("a\\xffb\\x9bc") != std::string::npos);
}

TEST_CASE("events below the level are dropped") {
  const std::string text = standard_error_of([] {
    log::debug("not seen");
    log::set_level(log::Level::debug);
    log::debug("seen");
    log::set_level(log::Level::error);
    log::warning("not seen either");
    log::set_level(log::Level::info);
  });
  CHECK(text.find("not seen") == std::string::npos);
  CHECK(text.find("debug seen\n") != std::string::npos);
}

TEST_CASE("events of many threads do not mix") {
  const std::string text = standard_error_of([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 200; ++i) log::info("{}", "one whole line");
      });
    }
    for (auto& thread : threads) thread.join();
  });
  CHECK(std::count(text.begin(), text.end(), '\n') == 800);
  std::size_t whole = 0;
  for (std::size_t at = text.find(" info one whole line\n"); at != std::string::npos;
       at = text.find(" info one whole line\n", at + 1)) {
    ++whole;
  }
  CHECK(whole == 800);
}
