// What the tests of the client have in common: a server's behaviour, calls, and work on the loop.
#pragma once

#include <chrono>
#include <future>
#include <string>
#include <utility>

#include "base/clock.h"
#include "http/client.h"
#include "raw_server.h"

namespace dske::http::test {

// Answers every request with `body`, as long as the client likes.
inline RawServer::Serve always(int status, std::string body) {
  return [status, body = std::move(body)](RawConnection& connection) {
    while (connection.read_request() && connection.answer(status, body)) {
    }
  };
}

inline Call get(const std::string& url) {
  Call call;
  call.url = url;
  return call;
}

// Sends a call on the loop and waits for what comes of it.
inline Result<Answer> send_and_wait(ClientLoop& loop, Call call) {
  std::promise<Result<Answer>> promise;
  auto future = promise.get_future();
  loop.post([&loop, &promise, call = std::move(call)]() mutable {
    loop.send(std::move(call), [&promise](Result<Answer> answer) { promise.set_value(std::move(answer)); });
  });
  return future.get();
}

// Runs `task` on the loop and waits for its end.
inline void run_on(ClientLoop& loop, Task task) {
  std::promise<void> done;
  loop.post([&done, task = std::move(task)]() mutable {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

inline std::chrono::milliseconds elapsed_since(MonotonicTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(BootClock::now() - start);
}

}  // namespace dske::http::test
