// Follows the files of the client's TLS configurations. Internal to http/.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_stamp.h"
#include "http/client.h"

namespace dske::http {

/// libcurl reads the files for every connection that it opens; this tells which connections are from before
/// they changed. Not thread-safe.
class ClientFiles {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// How old a connection for this configuration may be; nothing if the files are as they were at the first
  /// call. They are looked at once a second at most, and have changed once they have then been left alone.
  [[nodiscard]] std::optional<std::chrono::seconds> oldest_connection(const TlsClientConfig& tls, Time now);

 private:
  using Names = std::vector<std::string>;
  struct Watched {
    std::vector<FileStamp> used;
    std::vector<FileStamp> seen;
    Time looked;
    std::optional<Time> changed;
  };
  std::map<Names, Watched> watched_;
};

}  // namespace dske::http
