#include "hub/provisioner.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/file.h"
#include "base/log.h"

namespace dske::hub {
namespace {

constexpr std::chrono::seconds kPauseMost{600};  // between rounds that fail

// Of a file of `bytes` random bytes: base64 and the rest.
std::uint64_t file_size(std::uint64_t bytes) {
  return bytes / 3 * 4 + 2048;
}

}  // namespace

// What is ready for one client.
struct Provisioner::Shelf {
  std::shared_ptr<Client> client;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

Provisioner::Provisioner(const HubConfig& config, ClientRegistry& clients, Operations& operations,
                         const ReadyFiles& files)
    : config_(config),
      clients_(clients),
      operations_(operations),
      files_(files),
      pause_(config.provisioner.interval) {
  status_.enabled = config.provisioner.enabled;
}

Provisioner::~Provisioner() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Provisioner::start() {
  if (config_.provisioner.enabled) thread_ = std::thread([this] { run(); });
}

void Provisioner::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

bool Provisioner::stopping() const {
  const MutexLock lock(mutex_);
  return stopping_;
}

void Provisioner::run() {
  while (!stopping()) {
    const auto next = std::chrono::steady_clock::now() + note(top_up());
    const MutexLock lock(mutex_);
    while (!stopping_ && std::chrono::steady_clock::now() < next) {
      changed_.wait_for(mutex_, next - std::chrono::steady_clock::now());
    }
  }
}

// Tells the log once of each trouble and of its end; answers how long to wait for the next round.
std::chrono::seconds Provisioner::note(const Result<void>& result) {
  const MutexLock lock(mutex_);
  const std::string error = result || stopping_ ? std::string() : result.error().message;
  if (!error.empty() && error != status_.error) {
    log::warning("no PSRD files are made ready: {}", error);
  } else if (error.empty() && !status_.error.empty()) {
    log::info("PSRD files are made ready again");
  }
  const std::chrono::seconds interval = config_.provisioner.interval;
  pause_ = error.empty() ? interval : std::clamp(pause_ * 2, interval, std::max(interval, kPauseMost));
  status_.error = error;
  return pause_;
}

Result<Provisioner::Shelf> Provisioner::look(const std::shared_ptr<Client>& client) const {
  Shelf shelf{client};
  const std::vector<BlockId> ingested = client->pool().listed_blocks();
  for (const ReadyFile& file : files_.of(client->name())) {
    const bool is_ingested = std::find(ingested.begin(), ingested.end(), file.block) != ingested.end();
    if (client->pool().has_block(file.block) && !is_ingested) {
      ++shelf.files;
      shelf.bytes += file.bytes;
      continue;
    }
    log::info("removes {}: {}", file.path.string(),
              is_ingested ? "its client has ingested a copy" : "its block is not used any more");
    if (auto wiped = files_.wipe(client->name(), file.block); !wiped) return wiped.error();
  }
  return shelf;
}

Result<void> Provisioner::check_space(std::uint64_t ready_bytes) const {
  const ProvisionerConfig& wanted = config_.provisioner;
  const std::uint64_t block_bytes = wanted.client_bytes + wanted.hub_bytes;
  if (ready_bytes + file_size(block_bytes) > wanted.total_bytes) {
    return Error{ErrorKind::exhausted,
                 fmt::format("the ready files hold as much as provisioner: total_bytes ({}) allows",
                             wanted.total_bytes)};
  }
  std::error_code fault;
  const auto space = std::filesystem::space(config_.node.state_dir, fault);
  if (fault)
    return io_error("cannot tell the free space of " + config_.node.state_dir.string(), fault.value());
  // The block is stored beside its file.
  if (space.available < wanted.keep_free_bytes + file_size(block_bytes) + block_bytes) {
    return Error{ErrorKind::exhausted,
                 fmt::format("the file system of {} is to keep {} bytes free (provisioner: keep_free_bytes)",
                             config_.node.state_dir.string(), wanted.keep_free_bytes)};
  }
  return {};
}

Result<void> Provisioner::top_up() {
  const ProvisionerConfig& wanted = config_.provisioner;
  std::vector<Shelf> shelves;
  std::uint64_t bytes = 0;
  for (const auto& client : clients_.all()) {
    auto shelf = look(client);
    if (!shelf) return shelf.error();
    bytes += shelf->bytes;
    if (client->enabled()) shelves.push_back(std::move(*shelf));
  }
  // In turn, so that none waits for another's whole pool.
  for (std::uint64_t least = 1; least <= wanted.pool_size; ++least) {
    for (Shelf& shelf : shelves) {
      if (shelf.files >= least) continue;
      if (stopping()) return {};
      if (auto checked = check_space(bytes); !checked) return checked;
      const auto made = operations_.assign_psrd(shelf.client->name(), wanted.client_bytes, wanted.hub_bytes);
      // Removed at this moment.
      if (!made && made.error().kind == ErrorKind::not_found) continue;
      if (!made) return made.error();
      ++shelf.files;
      bytes += file_size(wanted.client_bytes + wanted.hub_bytes);
      const MutexLock lock(mutex_);
      ++status_.made;
    }
  }
  return {};
}

Provisioner::Status Provisioner::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

}  // namespace dske::hub
