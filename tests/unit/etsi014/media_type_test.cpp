#include "etsi014/media_type.h"

#include <string>

#include <doctest/doctest.h>

namespace dske::etsi014 {

TEST_CASE("application/json is taken in any case and with parameters, and so is no type at all") {
  for (const std::string type : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                                 "application/json;charset=UTF-8", " application/json \t; x=\"y;z\"", ""}) {
    CAPTURE(type);
    CHECK(is_json_media_type(type));
  }
}

TEST_CASE("any other type is not taken for JSON") {
  for (const std::string type :
       {"application/x-www-form-urlencoded", "text/json", "text/plain", "application/jsonx",
        "application/jso", "json", "application / json", ";charset=utf-8", " ", "*/*"}) {
    CAPTURE(type);
    CHECK_FALSE(is_json_media_type(type));
  }
}

}  // namespace dske::etsi014
