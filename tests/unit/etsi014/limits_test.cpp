#include "etsi014/limits.h"

#include <string>

#include <doctest/doctest.h>

namespace dske::etsi014 {

TEST_CASE("the default limits and the widest and narrowest ones agree with the standard") {
  CHECK(checked_limits(Limits{}).has_value());
  CHECK(checked_limits({8, 8, 8, 1, 0, 0}).has_value());
  CHECK(checked_limits({2147483640, 8, 2147483640, 2147483647, 2147483647, 2147483647}).has_value());
}

TEST_CASE("limits that contradict one another or the clients are refused by the field's name") {
  const struct {
    Limits limits;
    const char* message;
  } cases[] = {
      {{128, 256, 512, 1, 1, 0}, "key_size must be from 256 to 512, and is 128"},
      {{1024, 256, 512, 1, 1, 0}, "key_size must be from 256 to 512, and is 1024"},
      {{257, 256, 512, 1, 1, 0}, "key_size is in bits and must be a multiple of 8, and is 257"},
      {{256, 0, 512, 1, 1, 0}, "min_key_size must be from 8 to 512, and is 0"},
      {{256, 520, 512, 1, 1, 0}, "min_key_size must be from 8 to 512, and is 520"},
      {{256, 12, 512, 1, 1, 0}, "min_key_size is in bits and must be a multiple of 8, and is 12"},
      {{256, 8, 0, 1, 1, 0}, "max_key_size must be from 8 to 2147483647, and is 0"},
      {{256, 8, 513, 1, 1, 0}, "max_key_size is in bits and must be a multiple of 8, and is 513"},
      {{256, 8, 2147483648, 1, 1, 0}, "max_key_size must be from 8 to 2147483647, and is 2147483648"},
      {{256, 8, 512, 0, 1, 0}, "max_key_per_request must be from 1 to 2147483647, and is 0"},
      {{256, 8, 512, 2147483648, 1, 0},
       "max_key_per_request must be from 1 to 2147483647, and is 2147483648"},
      {{256, 8, 512, 1, 2147483648, 0}, "max_key_count must be from 0 to 2147483647, and is 2147483648"},
      {{256, 8, 512, 1, 1, 2147483648}, "max_SAE_ID_count must be from 0 to 2147483647, and is 2147483648"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.message);
    const auto limits = checked_limits(test.limits);
    REQUIRE_FALSE(limits.has_value());
    CHECK(limits.error().message == test.message);
  }
}

}  // namespace dske::etsi014
