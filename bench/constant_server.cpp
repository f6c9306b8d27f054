#include "bench/constant_server.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "etsi014/key_container.h"

extern char** environ;  // NOLINT(*-redundant-declaration): POSIX leaves it to the program

namespace dske::bench {
namespace {

constexpr std::size_t kWords = 6;
// What a test asks of it must never wait for its turn.
constexpr std::uint32_t kHandshakesPerSecond = 1000000;

SecretBytes constant_answer(std::size_t number, std::size_t key_bytes) {
  SystemRandomness randomness;
  std::vector<etsi014::Key> keys;
  keys.reserve(number);
  for (std::size_t i = 0; i < number; ++i)
    keys.push_back({KeyId::random(randomness), randomness.bytes(key_bytes)});
  return etsi014::key_container_json(keys);
}

std::size_t size_of(const std::string& word) {
  std::size_t size = 0;
  std::from_chars(word.data(), word.data() + word.size(), size);
  return size;
}

}  // namespace

Result<std::unique_ptr<ConstantServer>> ConstantServer::start(const http::TlsServerConfig& tls,
                                                              std::size_t number, std::size_t key_bytes) {
  std::error_code fault;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", fault);
  if (fault) return io_error("cannot find this program", fault.value());
  std::vector<std::string> words{
      self.string(),          "constant-server",         tls.certificate_file,
      tls.key_file,           tls.client_ca_files.at(0), tls.client_crl_files.at(0),
      std::to_string(number), std::to_string(key_bytes)};
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (::pipe2(input.data(), O_CLOEXEC) != 0) return io_error("cannot make a pipe", errno);
  if (::pipe2(output.data(), O_CLOEXEC) != 0) {
    const int pipe_fault = errno;
    ::close(input[0]);
    ::close(input[1]);
    return io_error("cannot make a pipe", pipe_fault);
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  pid_t child = 0;
  const int failure = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  if (failure != 0) {
    ::close(input[1]);
    ::close(output[0]);
    return io_error("cannot start the constant server", failure);
  }
  std::unique_ptr<ConstantServer> server(new ConstantServer(child, input[1]));
  std::array<char, 16> text{};
  const auto read = ::read(output[0], text.data(), text.size());
  ::close(output[0]);
  if (read > 0) std::from_chars(text.data(), text.data() + read, server->address_.port);
  if (server->address_.port == 0) return Error{ErrorKind::internal, "the constant server did not start"};
  return server;
}

ConstantServer::~ConstantServer() {
  ::close(input_);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<void> serve_constant(const std::vector<std::string>& words) {
  if (words.size() != kWords) return invalid("constant-server is started by other benchmarks");
  log::set_level(log::Level::warning);  // its output stands among the figures
  const auto answer =
      std::make_shared<const SecretBytes>(constant_answer(size_of(words[4]), size_of(words[5])));
  const http::Handler handler = [answer](const http::Request&, http::Reply reply) {
    reply.send({200, "application/json", {}, answer->clone()});
  };
  http::ServerConfig config;
  config.name = "ceiling";
  config.tls = http::TlsServerConfig{words[0], words[1], {words[2]}, {words[3]}};
  config.limits.handshakes_per_second = kHandshakesPerSecond;
  config.limits.handshakes_per_second_per_address = kHandshakesPerSecond;
  const auto server = http::Server::start(config, {{"GET", "/api/v1/keys/:slave/enc_keys", handler},
                                                   {"POST", "/api/v1/keys/:master/dec_keys", handler}});
  if (!server) return server.error();
  fmt::print("{}\n", (*server)->port());
  static_cast<void>(std::fflush(stdout));
  char byte = 0;
  while (true) {
    const auto read = ::read(0, &byte, 1);
    if (read == 0 || (read < 0 && errno != EINTR)) break;
  }
  (*server)->stop(std::chrono::milliseconds(0));
  return {};
}

}  // namespace dske::bench
