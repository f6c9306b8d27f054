#include "bench/psrd_supply.h"

#include <chrono>

#include "manager/management_client.h"

namespace dske::bench {
namespace {

/// How much of a half is for authenticators, by what is scarce: nodes keep in memory what nobody needs.
constexpr int kBothPercent = 40;
constexpr int kAuthenticatorPercent = 97;
constexpr int kPadPercent = 3;

/// Sizes a half so that it brings what is scarce; whether anything is.
bool fill(const manager::ZoneLevel& authenticator, const manager::ZoneLevel& pad, std::int64_t block_bytes,
          std::int64_t& half_bytes, int& authenticator_percent) {
  const bool few_authenticators = authenticator.left_bytes < block_bytes / 4;
  const bool few_pads = pad.left_bytes < block_bytes / 4;
  if (!few_authenticators && !few_pads) return false;
  half_bytes = block_bytes;
  authenticator_percent = !few_pads             ? kAuthenticatorPercent
                          : !few_authenticators ? kPadPercent
                                                : kBothPercent;
  return true;
}

}  // namespace

Result<std::unique_ptr<PsrdSupply>> PsrdSupply::start(const manager::Network& network,
                                                      std::vector<manager::Node> kmes,
                                                      std::int64_t block_bytes) {
  std::unique_ptr<PsrdSupply> supply(new PsrdSupply(network, std::move(kmes), block_bytes));
  if (auto filled = supply->top_up(); !filled) return filled.error();
  supply->thread_ = std::thread([&filling = *supply] { filling.run(); });
  return supply;
}

PsrdSupply::PsrdSupply(const manager::Network& network, std::vector<manager::Node> kmes,
                       std::int64_t block_bytes)
    : network_(network), kmes_(std::move(kmes)), block_bytes_(block_bytes) {}

PsrdSupply::~PsrdSupply() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

std::string PsrdSupply::first_error() const {
  const MutexLock lock(mutex_);
  return first_error_;
}

Result<void> PsrdSupply::top_up() {
  for (const manager::Node& kme : kmes_) {
    manager::ManagementClient kme_management(kme);
    const auto status = kme_management.status();
    if (!status) return status.error();
    for (const manager::PeerStatus& peer : status->peers) {
      manager::PsrdSizes sizes{manager::kPsrdBytesLeast, manager::kPsrdBytesLeast};
      const manager::PsrdLevel& level = peer.psrd;
      const bool of_client = fill(level.client_authenticator, level.client_pad, block_bytes_,
                                  sizes.client_bytes, sizes.client_authenticator_percent);
      const bool of_hub = fill(level.hub_authenticator, level.hub_pad, block_bytes_, sizes.hub_bytes,
                               sizes.hub_authenticator_percent);
      if (!of_client && !of_hub) continue;
      const manager::Node* hub = network_.find(manager::NodeKind::hub, peer.name);
      if (hub == nullptr) return Error{ErrorKind::not_found, "the topology has no hub " + peer.name};
      auto file = manager::ManagementClient(*hub).assign_psrd(kme.name, sizes);
      if (!file) return file.error();
      if (auto ingested = kme_management.ingest_psrd(*file); !ingested) return ingested;
      ++blocks_;
    }
  }
  return {};
}

void PsrdSupply::run() {
  while (!stop_) {
    if (const auto filled = top_up(); !filled) {
      const MutexLock lock(mutex_);
      if (first_error_.empty()) first_error_ = filled.error().message;
    }
    for (int i = 0; i < 10 && !stop_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace dske::bench
