#include "base/unique_function.h"

#include <memory>

#include <doctest/doctest.h>

#include "base/secret.h"

using namespace dske;

TEST_CASE("a unique function owns what cannot be copied and passes arguments and results on") {
  UniqueFunction<std::size_t(SecretBytes, int&)> function = [owned = std::make_unique<int>(5)](
                                                                SecretBytes bytes, int& out) mutable {
    out = (*owned)++;
    return bytes.size();
  };
  int out = 0;
  CHECK(function(SecretBytes(3), out) == 3);
  CHECK(out == 5);
  CHECK(function(SecretBytes(4), out) == 4);
  CHECK(out == 6);
}

TEST_CASE("a unique function is empty until it is given a callable and after it was moved from") {
  Task task;
  CHECK(!task);
  int calls = 0;
  task = [&] { ++calls; };
  REQUIRE(task);
  Task other = std::move(task);
  CHECK(!task);  // NOLINT(bugprone-use-after-move): that is what is tested
  other();
  CHECK(calls == 1);
}

TEST_CASE("a unique function destroys its callable once") {
  auto owned = std::make_shared<int>(0);
  {
    Task task = [owned] {};
    Task other = std::move(task);
    CHECK(owned.use_count() == 2);
    other = Task();
    CHECK(owned.use_count() == 1);
  }
  CHECK(owned.use_count() == 1);
}
