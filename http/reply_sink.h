// Where a Reply puts its answer. Handlers never see it; tests of handlers may give a Reply a sink of their
// own.
#pragma once

#include "http/server.h"

namespace dske::http {

class Reply::Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;
  /// Called at most once, from any thread.
  virtual void send(Response response, Written written) = 0;
};

}  // namespace dske::http
