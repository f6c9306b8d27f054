#include "bench/served_node.h"

#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/file.h"
#include "bench/program_run.h"
#include "bench/working_directory.h"
#include "http/client.h"

namespace dske::bench {
namespace {

using std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::microseconds kBetweenLooks{500};

Result<std::uint16_t> free_port() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);  // NOLINT(*-reinterpret-cast): the socket API's way
  if (!socket.is_open() || ::bind(socket.get(), any, size) != 0 ||
      ::getsockname(socket.get(), any, &size) != 0)
    return io_error("cannot find a free port", errno);
  return ::ntohs(address.sin_port);
}

}  // namespace

Result<manager::Node> make_node(manager::NodeKind kind, const std::string& name,
                                const std::filesystem::path& parent) {
  const auto port = free_port();
  if (!port) return port.error();
  auto management_port = free_port();
  while (management_port && *management_port == *port) management_port = free_port();
  if (!management_port) return management_port.error();
  manager::Node node;
  node.kind = kind;
  node.name = name;
  node.address = "127.0.0.1";
  node.port = *port;
  node.management_port = *management_port;
  node.url = fmt::format("{}://127.0.0.1:{}", kind == manager::NodeKind::hub ? "http" : "https", *port);
  node.management_url = fmt::format("http://127.0.0.1:{}", *management_port);
  node.directory = parent / name;
  node.config_file = node.directory / (std::string(manager::kind_file_text(kind)) + ".yaml");
  node.log_file = parent / (name + ".log");
  return node;
}

std::string node_lines(const manager::Node& node) {
  return fmt::format("name: {}\nstate_dir: .\naddress: {}\nport: {}\nmanagement_port: {}\n", node.name,
                     node.address, node.port, node.management_port);
}

Result<ServedNode> ServedNode::init(const manager::Node& node, const std::string& config) {
  if (auto made = make_private_directories(node.directory); !made) return made.error();
  ServedNode served(node);
  if (auto written = served.configure(config); !written) return written.error();
  auto run = run_program(served.program(), {"init", "--config", node.config_file.string()});
  if (!run) return run.error();
  return served;
}

ServedNode::ServedNode(ServedNode&& other) noexcept
    : node_(std::move(other.node_)), pid_(std::exchange(other.pid_, 0)) {}

ServedNode::~ServedNode() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string ServedNode::program() const {
  return std::string("dske-") + manager::kind_file_text(node_.kind);
}

Result<void> ServedNode::configure(const std::string& config) const {
  return write_text(node_.config_file, config);
}

Result<Seconds> ServedNode::start() {
  const auto begun = steady_clock::now();
  const auto pid =
      start_program(program(), {"serve", "--config", node_.config_file.string()}, node_.log_file);
  if (!pid) return pid.error();
  pid_ = *pid;
  if (auto served = await("/healthz"); !served) return served.error();
  return steady_clock::now() - begun;
}

Result<void> ServedNode::await_ready() const {
  return await("/readyz");
}

Result<void> ServedNode::await(const std::string& path) const {
  http::BlockingClient client;
  http::Call call;
  call.url = node_.management_url + path;
  const auto deadline = steady_clock::now() + kPatience;
  while (steady_clock::now() < deadline) {
    const auto answer = client.send(call);
    if (answer && answer->status == 200) return {};
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
    if (ended.si_pid != 0)
      return Error{ErrorKind::unavailable, node_.title() + " has ended, see " + node_.log_file.string()};
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return Error{ErrorKind::unavailable, fmt::format("{}: {} is not answered with 200 within {} s",
                                                   node_.title(), path, kPatience.count())};
}

Result<Seconds> ServedNode::stop() {
  if (pid_ == 0) return Seconds(0);
  const auto begun = steady_clock::now();
  const pid_t pid = std::exchange(pid_, 0);
  ::kill(pid, SIGTERM);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Error{ErrorKind::internal, node_.title() + " did not end well"};
  return steady_clock::now() - begun;
}

Result<double> ServedNode::load_over(std::chrono::milliseconds duration) const {
  const double before = cpu_seconds_of(pid_);
  std::this_thread::sleep_for(duration);
  const double after = cpu_seconds_of(pid_);
  if (after == 0) return Error{ErrorKind::not_found, node_.title() + " does not run"};
  return (after - before) / Seconds(duration).count();
}

}  // namespace dske::bench
