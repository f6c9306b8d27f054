// The TLS context of a server, which follows its files.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_stamp.h"
#include "base/mutex.h"
#include "base/result.h"
#include "http/server.h"
#include "http/tls.h"

namespace dske::http {

/// Thread-safe, except refresh().
class TlsSource {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = Time::duration;

  /// Loads the files; the error names the one that cannot be used. `name` is the server's, for logs and
  /// sessions.
  [[nodiscard]] static Result<std::unique_ptr<TlsSource>> open(TlsServerConfig config, std::string name);

  /// What a new connection is to use.
  [[nodiscard]] std::shared_ptr<const TlsContext> current() const;
  /// Grows whenever other files were loaded: what an earlier context accepted has to be checked again.
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  /// TlsServerConfig::exporter_label.
  [[nodiscard]] const std::string& exporter_label() const { return config_.exporter_label; }

  /// Looks whether the files have changed, and loads them if so; what failed is tried again every minute,
  /// since the cause may lie elsewhere (descriptors, memory). Once an hour it also replaces the keys under
  /// which session tickets are encrypted, so that they do not outlive what they protect for long. To be
  /// called about once a second by one thread.
  void refresh(Time now);

 private:
  TlsSource(TlsServerConfig config, std::string name) : config_(std::move(config)), name_(std::move(name)) {}
  [[nodiscard]] std::vector<FileStamp> stamps() const;
  void use(std::shared_ptr<const TlsContext> context, std::uint64_t generation, Time now);

  const TlsServerConfig config_;
  const std::string name_;
  mutable Mutex mutex_;
  std::shared_ptr<const TlsContext> context_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> generation_ = 0;

  // Known to the refreshing thread alone.
  std::vector<FileStamp> loaded_;  // what was loaded, or could not be
  std::vector<FileStamp> seen_;    // at the last look
  Time tried_;                     // when they were last loaded, or could not be
  bool failed_ = false;            // they could not be
};

}  // namespace dske::http
