#include "http/router.h"

#include <doctest/doctest.h>

namespace dske::http {
namespace {

std::shared_ptr<const Routes> routes(std::vector<std::pair<std::string, std::string>> list) {
  auto made = std::make_shared<Routes>();
  for (auto& [method, pattern] : list) made->push_back({std::move(method), std::move(pattern), {}});
  return made;
}

std::unique_ptr<Router> router(const std::shared_ptr<const Routes>& list) {
  auto made = Router::make(list, 16 * 1024);
  REQUIRE(made.has_value());
  return std::move(*made);
}

TEST_CASE("a path finds its handler and what stood in its parameters, as it was sent") {
  const auto list = routes({{"GET", "/api/v1/keys/:slave/status"},
                            {"POST", "/api/v1/keys/:slave/enc_keys"},
                            {"GET", "/api/v1/keys/:master/enc_keys"},
                            {"GET", "/two/:a/:b"},
                            {"GET", "/two/fixed/:b"},
                            {"GET", "/"}});
  const auto found = router(list);
  const Router::Match status = found->find("GET", "/api/v1/keys/a%2Fb%20c/status");
  CHECK(status.handler == &list->at(0).handler);
  CHECK(status.parameters == std::vector<std::string>{"a%2Fb%20c"});
  CHECK(found->find("POST", "/api/v1/keys/x/enc_keys").handler == &list->at(1).handler);
  CHECK(found->find("GET", "/api/v1/keys/x/enc_keys").handler == &list->at(2).handler);
  CHECK(found->find("GET", "/two/:a/*").parameters == std::vector<std::string>{":a", "*"});
  CHECK(found->find("GET", "/two/fixed/x").handler == &list->at(4).handler);
  CHECK(found->find("GET", "/").handler == &list->at(5).handler);
  CHECK(found->find("HEAD", "/two/x/y").handler == &list->at(3).handler);
}

TEST_CASE("a known path tells its methods to one that it does not have") {
  const auto list = routes({{"GET", "/a/:x"}, {"DELETE", "/a/:y"}, {"POST", "/b"}});
  const auto found = router(list);
  CHECK(found->find("POST", "/a/1").handler == nullptr);
  CHECK(found->find("POST", "/a/1").allow == "GET, HEAD, DELETE, OPTIONS");
  CHECK(found->find("OPTIONS", "/b").allow == "POST, OPTIONS");
  CHECK(found->find("HEAD", "/b").allow == "POST, OPTIONS");
  CHECK(found->find("PATCH", "/b").allow == "POST, OPTIONS");
}

TEST_CASE("other paths are unknown") {
  const auto found = router(routes({{"GET", "/a/:x"}, {"GET", "/b"}}));
  for (const std::string_view path : {"/", "/a", "/a/", "/a//", "//b", "/b/", "/a/x/y", "/c", "*", "", "b"}) {
    CHECK_MESSAGE(found->find("GET", path).handler == nullptr, path);
    CHECK_MESSAGE(found->find("GET", path).allow.empty(), path);
  }
  const std::string deep = "/a" + std::string(8000, '/') + "x";
  CHECK(found->find("GET", deep).handler == nullptr);
  std::string long_path;
  while (long_path.size() < 16000) long_path += "/a";
  CHECK(found->find("GET", long_path).handler == nullptr);
}

TEST_CASE("malformed patterns, other methods and repeated routes are errors") {
  for (const std::string_view pattern : {"", "a", "/a/", "//", "/:", "/a?", "/*", "/a#b"}) {
    CHECK_MESSAGE(!Router::make(routes({{"GET", std::string(pattern)}}), 100).has_value(), pattern);
  }
  CHECK_FALSE(Router::make(routes({{"PATCH", "/a"}}), 100).has_value());
  CHECK_FALSE(Router::make(routes({{"GET", "/a/:x"}, {"GET", "/a/:y"}}), 100).has_value());
}

}  // namespace
}  // namespace dske::http
