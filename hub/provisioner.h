// Keeps PSRD files ready for clients, so that whoever carries them finds some (docs/management.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "hub/client_registry.h"
#include "hub/hub_config.h"
#include "hub/operations.h"
#include "hub/ready_files.h"

namespace dske::hub {

/// Tops up every client's ready files once in an interval, on a thread of its own. Thread-safe. The
/// references must outlive it.
class Provisioner {
 public:
  Provisioner(const HubConfig& config, ClientRegistry& clients, Operations& operations,
              const ReadyFiles& files);
  /// Ends what it does, after at most one file.
  ~Provisioner();
  Provisioner(const Provisioner&) = delete;
  Provisioner& operator=(const Provisioner&) = delete;

  /// Starts the thread, if the configuration wants it.
  void start();
  /// Makes no further file. For the daemon's stop, before whoever makes PSRD is told to give up.
  void stop();

  /// One round: removes files whose block the client has ingested or the hub does not know any more (revoked
  /// for example), then makes what is missing, in turn for all clients. Stops at the first error.
  [[nodiscard]] Result<void> top_up();

  struct Status {
    bool enabled = false;
    std::uint64_t made = 0;  ///< files, since the start
    std::string error;       ///< why the last round ended early; empty if it did not
  };
  [[nodiscard]] Status status() const;

 private:
  struct Shelf;

  void run();
  [[nodiscard]] bool stopping() const;
  [[nodiscard]] std::chrono::seconds note(const Result<void>& result);
  [[nodiscard]] Result<Shelf> look(const std::shared_ptr<Client>& client) const;
  [[nodiscard]] Result<void> check_space(std::uint64_t ready_bytes) const;

  const HubConfig& config_;
  ClientRegistry& clients_;
  Operations& operations_;
  const ReadyFiles& files_;

  mutable Mutex mutex_;
  ConditionVariable changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  Status status_ GUARDED_BY(mutex_);
  std::chrono::seconds pause_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace dske::hub
