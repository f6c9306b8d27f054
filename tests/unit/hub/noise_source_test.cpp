#include "hub/noise_source.h"

#include <array>
#include <fstream>
#include <future>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/temporary_directory.h"
#include "dske/fixed_randomness.h"

namespace dske::hub {
namespace {

using dske::test::ReproducibleRandomness;
using dske::test::TemporaryDirectory;

constexpr std::size_t kHead = NoiseInput::kHeadBytes;
constexpr std::size_t kStartUp = NoiseSource::kStartUpSamples;

NoiseSourceConfig of(const std::filesystem::path& source) {
  NoiseSourceConfig config;
  config.source = source;
  config.min_entropy_per_byte = 8;
  config.patience = std::chrono::milliseconds(300);
  return config;
}

void write(const std::filesystem::path& file, ByteView bytes) {
  std::ofstream(file, std::ios::binary)
      .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
}

std::string message_of(const Result<void>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().message;
}

bool is_in(const std::string& text, const std::string& part) {
  CAPTURE(text);
  return text.find(part) != std::string::npos;
}

// A named pipe, and the test at its writing end.
class Pipe {
 public:
  explicit Pipe(const std::filesystem::path& path) : path_(path) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    // Opened for reading too, so that neither end waits for the other.
    writing_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(writing_.is_open());
  }
  void put(ByteView bytes) const {
    REQUIRE(::write(writing_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void close() { writing_.close(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  FileDescriptor writing_;
};

TEST_CASE("noise source: the bytes behind the start-up test's are given, each once") {
  const TemporaryDirectory directory;
  const Pipe pipe(directory.path() / "pipe");
  ReproducibleRandomness randomness(2);
  const Bytes bytes = randomness.data(kStartUp + 300);
  pipe.put(bytes);
  NoiseSource source(of(pipe.path()), directory.path() / "used");
  Bytes first(100);
  Bytes second(200);
  REQUIRE(source.fill(first).has_value());
  REQUIRE(source.fill(second).has_value());
  CHECK(Bytes(bytes.begin() + kStartUp, bytes.begin() + kStartUp + 100) == first);
  CHECK(Bytes(bytes.begin() + kStartUp + 100, bytes.end()) == second);
}

TEST_CASE("noise source: a stuck device fails its start-up test and gives nothing") {
  const TemporaryDirectory directory;
  NoiseSource source(of("/dev/zero"), directory.path() / "used");
  Bytes bytes(32, 7);
  const std::string message = message_of(source.fill(bytes));
  CHECK(is_in(message, "/dev/zero"));
  CHECK(is_in(message, "repetition count test (SP 800-90B 4.4.1: 6 equal bytes in a row)"));
  CHECK(is_in(message, "no PSRD is made"));
  CHECK(bytes == Bytes(32, 0));
}

TEST_CASE("noise source: a device of the system's passes") {
  const TemporaryDirectory directory;
  NoiseSource source(of("/dev/urandom"), directory.path() / "used");
  Bytes bytes(std::size_t{1} << 20);
  REQUIRE(source.fill(bytes).has_value());
  CHECK(bytes != Bytes(bytes.size(), 0));
}

TEST_CASE("noise source: a biased source fails the adaptive proportion test") {
  const TemporaryDirectory directory;
  const Pipe pipe(directory.path() / "pipe");
  ReproducibleRandomness randomness(3);
  Bytes bytes = randomness.data(kStartUp);
  // Every eighth sample is the same, so that hardly ever two of them follow each other.
  for (std::size_t i = 0; i < bytes.size(); i += 8) bytes[i] = 0xaa;
  pipe.put(bytes);
  NoiseSource source(of(pipe.path()), directory.path() / "used");
  CHECK(is_in(message_of(source.prepare()),
              "adaptive proportion test (SP 800-90B 4.4.2: 19 equal bytes among 512)"));
}

TEST_CASE("noise source: a failure lasts until a fresh start-up test has passed") {
  const TemporaryDirectory directory;
  const Pipe pipe(directory.path() / "pipe");
  ReproducibleRandomness randomness(4);
  pipe.put(randomness.data(kStartUp + 64));
  NoiseSource source(of(pipe.path()), directory.path() / "used");
  Bytes bytes(64);
  REQUIRE(source.fill(bytes).has_value());

  pipe.put(Bytes(64, 0x11));
  CHECK(is_in(message_of(source.fill(bytes)), "repetition count"));
  CHECK(bytes == Bytes(64, 0));
  // Too little for the start-up test, good as it is.
  pipe.put(randomness.data(1024));
  CHECK(is_in(message_of(source.fill(bytes)), "gave no byte for 0.3 s"));

  const Bytes good = randomness.data(kStartUp + 64);
  pipe.put(good);
  REQUIRE(source.fill(bytes).has_value());
  CHECK(bytes == Bytes(good.end() - 64, good.end()));
}

TEST_CASE("noise source: a dead device, an ended pipe and a missing one are errors that say so") {
  const TemporaryDirectory directory;
  const std::filesystem::path used = directory.path() / "used";
  Pipe pipe(directory.path() / "pipe");
  NoiseSource dead(of(pipe.path()), used);
  CHECK(is_in(message_of(dead.prepare()), "gave no byte"));
  NoiseSource null(of("/dev/null"), used);
  CHECK(is_in(message_of(null.prepare()), "gave no byte"));
  NoiseSource missing(of(directory.path() / "none"), used);
  CHECK(is_in(message_of(missing.prepare()), "No such file"));
  NoiseSource wrong(of(directory.path()), used);
  CHECK(is_in(message_of(wrong.prepare()), "neither a character device"));

  NoiseSource ending(of(pipe.path()), used);
  ReproducibleRandomness randomness(5);
  pipe.put(randomness.data(kStartUp + 10));
  REQUIRE(ending.prepare().has_value());
  pipe.close();
  Bytes bytes(11);
  CHECK(is_in(message_of(ending.fill(bytes)), "has ended"));
}

TEST_CASE("noise source: waiting for a dead device ends when it is given up") {
  const TemporaryDirectory directory;
  const Pipe pipe(directory.path() / "pipe");
  NoiseSourceConfig config = of(pipe.path());
  config.patience = std::chrono::hours(1);
  NoiseSource source(config, directory.path() / "used");
  auto waiting = std::async(std::launch::async, [&] { return source.prepare(); });
  source.give_up();
  CHECK(is_in(message_of(waiting.get()), "stopping"));
}

TEST_CASE("noise source: a file's bytes are given once, also to later sources and from a copy of it") {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  const auto used = directory.path() / "used";
  constexpr std::size_t kMega = std::size_t{1} << 20;
  ReproducibleRandomness randomness(6);
  const Bytes contents = randomness.data(3 * kMega);
  write(file, contents);
  Bytes given(1000);
  {
    NoiseSource source(of(file), used);
    REQUIRE(source.fill(given).has_value());
    CHECK(given == Bytes(contents.begin() + kHead + kStartUp, contents.begin() + kHead + kStartUp + 1000));
  }
  // What was recorded as used and not read is given up: a MiB at a time.
  const auto copy = directory.path() / "copy";
  write(copy, contents);
  NoiseSource source(of(copy), used);
  REQUIRE(source.fill(given).has_value());
  const auto next = contents.begin() + static_cast<std::ptrdiff_t>(kHead + kMega + kStartUp);
  CHECK(given == Bytes(next, next + 1000));
}

TEST_CASE("noise source: a file that is used up is an error until another one takes its place") {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  const auto used = directory.path() / "used";
  ReproducibleRandomness randomness(7);
  const Bytes first = randomness.data(kHead + kStartUp + 100);
  write(file, first);
  NoiseSource source(of(file), used);
  Bytes given(100);
  REQUIRE(source.fill(given).has_value());
  Bytes more(1);
  CHECK(is_in(message_of(source.fill(more)), "is used up"));
  CHECK(is_in(message_of(source.fill(more)), "is used up"));
  std::filesystem::remove(file);
  const Bytes second = randomness.data(kHead + kStartUp + 100);
  write(file, second);
  REQUIRE(source.fill(given).has_value());
  CHECK(given == Bytes(second.end() - 100, second.end()));
  // The first file comes back, and is still used up.
  std::filesystem::remove(file);
  write(file, first);
  NoiseSource later(of(file), used);
  CHECK(is_in(message_of(later.prepare()), "is used up"));
}

TEST_CASE("noise source: a file shorter than its head is refused, a damaged record too") {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  const auto used = directory.path() / "used";
  ReproducibleRandomness randomness(8);
  write(file, randomness.data(kHead - 1));
  NoiseSource shorter(of(file), used);
  CHECK(is_in(message_of(shorter.prepare()), "shorter than 4096 bytes"));
  write(file, randomness.data(100000));
  const std::string digest(64, 'a');
  for (const std::string& text : {std::string("x"), digest, digest + " 5", digest + " \n", digest + " 5x\n",
                                  std::string(64, 'g') + " 5\n"}) {
    CAPTURE(text);
    write(used, as_bytes(text));
    NoiseSource source(of(file), used);
    CHECK(is_in(message_of(source.prepare()), "is damaged"));
  }
  write(used, as_bytes(digest + " 5\n"));
  NoiseSource source(of(file), used);
  CHECK(source.prepare().has_value());
}

}  // namespace
}  // namespace dske::hub
