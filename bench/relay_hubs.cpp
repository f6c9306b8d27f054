#include "bench/relay_hubs.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file.h"
#include "bench/program_run.h"

namespace dske::bench {
namespace {

// What a half needs so that each of its zones has at least so much.
struct Half {
  std::uint64_t bytes;
  std::uint64_t authenticator_percent;
};

Half half_for(std::uint64_t authenticator_bytes, std::uint64_t pad_bytes) {
  const std::uint64_t bytes = authenticator_bytes + pad_bytes;
  const std::uint64_t percent =
      std::clamp<std::uint64_t>((100 * authenticator_bytes + bytes - 1) / bytes, 1, 99);
  const std::uint64_t whole =
      std::max(authenticator_bytes * 100 / percent, pad_bytes * 100 / (100 - percent));
  // Files of more than 8 MiB are binary; there is no need of a second form here.
  return {std::max<std::uint64_t>(whole + 65536, std::uint64_t{5} << 20) / 4096 * 4096, percent};
}

Result<std::filesystem::path> assign(const std::filesystem::path& hub, const std::string& client,
                                     const Half& of_client, const Half& of_hub) {
  const std::filesystem::path file = hub / (client + ".psrd");
  auto run = run_program(
      "dske-hub", {"psrd", "assign", "--client", client, "--client-bytes", std::to_string(of_client.bytes),
                   "--hub-bytes", std::to_string(of_hub.bytes), "--client-authenticator-percent",
                   std::to_string(of_client.authenticator_percent), "--hub-authenticator-percent",
                   std::to_string(of_hub.authenticator_percent), "-o", file.string(), "--config",
                   (hub / "hub.yaml").string()});
  if (!run) return run.error();
  return file;
}

Result<void> make_hub(const std::filesystem::path& directory, const std::string& name) {
  if (auto made = make_private_directories(directory); !made) return made;
  const auto port = free_port();
  const auto management_port = free_port();
  if (!port || !management_port) return !port ? port.error() : management_port.error();
  const std::string config = "name: " + name +
                             "\nstate_dir: state\naddress: 127.0.0.1\nport: " + std::to_string(*port) +
                             "\nmanagement_port: " + std::to_string(*management_port) +
                             "\nlog_level: warning\nprovisioner: {enabled: false}\n"
                             "limits: {waiting_bytes_per_client: 1099511627776}\n";
  if (auto written = write_file_atomically(directory / "hub.yaml", as_bytes(config), 0600); !written)
    return written;
  const std::string file = (directory / "hub.yaml").string();
  if (auto run = run_program("dske-hub", {"init", "--config", file}); !run) return run.error();
  for (const char* client : {"carol", "celia"}) {
    auto run = run_program("dske-hub", {"client", "add", client, "--sae", client, "--config", file});
    if (!run) return run.error();
  }
  return {};
}

}  // namespace

Result<std::uint16_t> free_port() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  if (!socket.is_open() || ::bind(socket.get(), general, size) != 0 ||
      ::getsockname(socket.get(), general, &size) != 0) {
    return io_error("cannot find a free port", errno);
  }
  return ntohs(address.sin_port);
}

Result<std::unique_ptr<RelayHubs>> RelayHubs::start(const std::filesystem::path& directory, std::size_t hubs,
                                                    std::size_t shares_required, std::uint64_t pad_bytes,
                                                    std::uint64_t messages) {
  const std::uint64_t authenticator_bytes = 32 * messages + 65536;
  const Half sending = half_for(authenticator_bytes, pad_bytes);
  const Half other = half_for(authenticator_bytes, 65536);
  std::unique_ptr<RelayHubs> network(new RelayHubs);
  std::vector<RelayKme::Hub> of_carol;
  std::vector<RelayKme::Hub> of_celia;
  for (std::size_t i = 0; i < hubs; ++i) {
    const std::string name = "hub" + std::to_string(i + 1);
    const std::filesystem::path hub = directory / name;
    if (auto made = make_hub(hub, name); !made) return made.error();
    auto carols = assign(hub, "carol", sending, other);
    if (!carols) return carols.error();
    auto celias = assign(hub, "celia", other, sending);
    if (!celias) return celias.error();
    of_carol.push_back({name, std::move(*carols)});
    of_celia.push_back({name, std::move(*celias)});
    auto running = RunningProgram::start("dske-hub", {"serve", "--config", (hub / "hub.yaml").string()});
    if (!running) return running.error();
    network->hubs_.push_back(std::move(*running));
  }
  auto carol = RelayKme::start(directory / "carol", "carol", of_carol, shares_required);
  if (!carol) return carol.error();
  network->carol_ = std::move(*carol);
  auto celia = RelayKme::start(directory / "celia", "celia", of_celia, shares_required);
  if (!celia) return celia.error();
  network->celia_ = std::move(*celia);
  return network;
}

void RelayHubs::establish(BundleRequest request, Initiator::Done done) {
  carol_->establish(std::move(request), std::move(done));
}

void RelayHubs::receive(EstablishedBundle bundle, Held done) {
  const BundleName name = bundle.context.name();
  celia_->receive(name, [keys = std::move(bundle.keys),
                         done = std::move(done)](const Result<FetchedBundle>& fetched) mutable {
    if (!fetched) return done(fetched.error());
    if (!constant_time_equal(keys.view(), fetched->keys.view()))
      return done(Error{ErrorKind::corrupt, "the keys at the two ends differ"});
    done({});
  });
}

double RelayHubs::hub_cpu_seconds() const {
  double sum = 0;
  for (const RunningProgram& hub : hubs_) sum += hub.cpu_seconds();
  return sum;
}

}  // namespace dske::bench
