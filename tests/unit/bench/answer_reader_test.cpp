#include "bench/answer_reader.h"

#include <doctest/doctest.h>

using namespace dske::bench;
using State = AnswerReader::State;

namespace {

const std::string kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 13\r\nConnection: "
    "Keep-Alive\r\n\r\n"
    "{\"keys\":[{}]}";

State state_after(const std::string& answer) {
  AnswerReader reader;
  return reader.feed(answer);
}

}  // namespace

TEST_CASE("an answer is read the same in pieces of any size") {
  for (std::size_t piece = 1; piece <= kAnswer.size(); ++piece) {
    AnswerReader reader;
    State state = State::incomplete;
    for (std::size_t at = 0; at < kAnswer.size(); at += piece) {
      CHECK(state == State::incomplete);
      state = reader.feed(std::string_view(kAnswer).substr(at, piece));
    }
    REQUIRE(state == State::complete);
    CHECK(reader.status() == 200);
    CHECK_FALSE(reader.closes());
    CHECK(reader.body() == "{\"keys\":[{}]}");
  }
}

TEST_CASE("a reader takes one answer after another") {
  AnswerReader reader;
  REQUIRE(reader.feed(kAnswer) == State::complete);
  CHECK(reader.take_body().text() == "{\"keys\":[{}]}");
  REQUIRE(reader.feed("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") ==
          State::complete);
  CHECK(reader.status() == 503);
  CHECK(reader.closes());
  CHECK(reader.body().empty());
  reader.reset();
  REQUIRE(reader.feed(kAnswer) == State::complete);
  CHECK_FALSE(reader.closes());
}

TEST_CASE("what is no answer with a length is broken") {
  CHECK(state_after(kAnswer + "H") == State::broken);
  CHECK(state_after("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n") == State::broken);
  CHECK(state_after("HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n") == State::broken);
  CHECK(state_after("HTTP/1.1 200 OK\r\n\r\n") == State::broken);
  CHECK(state_after("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n") == State::broken);
  CHECK(state_after("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n") == State::broken);
  CHECK(state_after("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n") == State::broken);
  CHECK(state_after("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx") == State::broken);
  CHECK(state_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == State::broken);
  CHECK(state_after("HTTP/1.1 200 OK\r\nno colon\r\n\r\n") == State::broken);
  CHECK(state_after("\r\n\r\n") == State::broken);
  CHECK(state_after(std::string(20000, 'x')) == State::broken);
}

TEST_CASE("key IDs are found in their order") {
  const std::string container = R"({"keys":[{"key_ID":"a-1","key":"AAAA"},{"key_ID":"b-2","key":"BBBB"}]})";
  CHECK(scan_key_ids(container) == std::vector<std::string_view>{"a-1", "b-2"});
  CHECK(count_key_ids(container) == 2);
  CHECK(scan_key_ids(R"({"keys":[]})").empty());
  CHECK(scan_key_ids(R"({"keys":[{"key_ID":"unfinished)").empty());
}
