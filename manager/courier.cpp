#include "manager/courier.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <malloc.h>

#include "base/log.h"
#include "manager/provisioning.h"

namespace dske::manager {
namespace {

// Whoever has a hub make a file takes it away at once; what is left lying is for the courier.
constexpr std::chrono::seconds kSettled{2};

bool has_settled(const std::filesystem::path& file) {
  std::error_code fault;
  const auto written = std::filesystem::last_write_time(file, fault);
  return !fault && std::filesystem::file_time_type::clock::now() - written >= kSettled;
}

// How much of a zone the hub's next block brings.
bool has_room(const ZoneLevel& authenticator, const ZoneLevel& pad, std::int64_t half_bytes,
              int authenticator_percent, std::int64_t blocks) {
  const std::int64_t authenticator_bytes = half_bytes * authenticator_percent / 100;
  return authenticator.left_bytes <= blocks * authenticator_bytes ||
         pad.left_bytes <= blocks * (half_bytes - authenticator_bytes);
}

void carry_one(const Node& hub, const Node& client) {
  for (const std::filesystem::path& file : waiting_psrd_files(hub.directory / "psrd-out" / client.name)) {
    if (!has_settled(file)) continue;
    auto moved = move_psrd_file(file, client.psrd_in());
    if (!moved && moved.error().kind == ErrorKind::not_found) continue;  // somebody else has carried it
    if (moved) {
      log::info("carried {} from {} to {}", file.filename().string(), hub.title(), client.title());
    } else {
      log::error("{}", moved.error().message);
    }
    return;
  }
}

void carry_to(const Network& network, const Node& client) {
  // What it was brought before counts before it is brought more; a KME that does not answer waits.
  if (!waiting_psrd_files(client.psrd_in()).empty()) return;
  const auto status = ManagementClient(client).status();
  if (!status) return;
  const Topology& topology = network.topology();
  for (const Node& hub : network.nodes()) {
    if (hub.kind != NodeKind::hub || !hub.is_local) continue;
    const auto peer = std::find_if(status->peers.begin(), status->peers.end(),
                                   [&](const PeerStatus& candidate) { return candidate.name == hub.name; });
    const PsrdLevel level = peer != status->peers.end() ? peer->psrd : PsrdLevel();
    if (is_below_high_mark(level, topology.psrd, topology.courier->high_mark_blocks)) carry_one(hub, client);
  }
}

// Whether SIGTERM or SIGINT came within the interval.
bool stop_came(std::chrono::milliseconds interval, const sigset_t& signals) {
  const timespec timeout{interval.count() / 1000, interval.count() % 1000 * 1000000};
  return ::sigtimedwait(&signals, nullptr, &timeout) > 0;
}

}  // namespace

bool is_below_high_mark(const PsrdLevel& level, const PsrdSizes& sizes, std::int64_t high_mark_blocks) {
  return has_room(level.client_authenticator, level.client_pad, sizes.client_bytes,
                  sizes.client_authenticator_percent, high_mark_blocks - 1) ||
         has_room(level.hub_authenticator, level.hub_pad, sizes.hub_bytes, sizes.hub_authenticator_percent,
                  high_mark_blocks - 1);
}

void carry_what_is_due(const Network& network) {
  for (const Node& client : network.nodes()) {
    if (client.kind == NodeKind::client && client.is_local) carry_to(network, client);
  }
}

Result<bool> run_courier(const Network& network) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  log::info("the courier begins its rounds");
  do {
    carry_what_is_due(network);
    ::malloc_trim(0);  // it sleeps most of the time
  } while (!stop_came(network.topology().courier->interval, signals));
  log::info("the courier stops");
  return true;
}

}  // namespace dske::manager
