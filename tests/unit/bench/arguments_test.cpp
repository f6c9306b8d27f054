#include "bench/arguments.h"

#include <doctest/doctest.h>

using dske::bench::Arguments;

TEST_CASE("words, options and flags in any order") {
  Arguments arguments({"a", "--number", "12", "--cold", "b", "--call=enc_keys"}, {"cold"});
  CHECK(arguments.words() == std::vector<std::string>{"a", "b"});
  CHECK(arguments.number("number", 1U, 1, 100) == 12);
  CHECK(arguments.number("rounds", 5U, 1, 100) == 5);
  CHECK(arguments.flag("cold"));
  CHECK_FALSE(arguments.flag("same-address"));
  CHECK(arguments.text("call", "status") == "enc_keys");
  CHECK(arguments.text("samples", "none") == "none");
  CHECK(arguments.fault().empty());
}

TEST_CASE("wrong options are told") {
  const auto fault_of_number = [](const std::string& value) {
    Arguments arguments({"--number", value}, {});
    static_cast<void>(arguments.number("number", 1U, 1, 100));
    return arguments.fault();
  };
  for (const char* value : {"0", "101", "1x", "", "-1", "99999999999999999999"})
    CHECK(fault_of_number(value) == "--number is 1 to 100");
  CHECK(Arguments({"--number"}, {}).fault() == "--number needs a value");
  CHECK(Arguments({"--unknown", "1"}, {}).fault() == "--unknown is no option of it");
  CHECK(Arguments({"--cold=1"}, {"cold"}).fault() == "--cold takes no value");
  Arguments twice({"--number", "1", "--number", "2"}, {});
  CHECK(twice.number("number", 5U, 1, 100) == 1);
  CHECK(twice.fault() == "--number is given twice");
}
