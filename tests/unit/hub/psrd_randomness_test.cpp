#include "hub/psrd_randomness.h"

#include <fstream>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/temporary_directory.h"
#include "dske/fixed_randomness.h"

namespace dske::hub {
namespace {

using dske::test::FixedRandomness;
using dske::test::ReproducibleRandomness;
using dske::test::TemporaryDirectory;
using State = PsrdRandomness::Status::State;

NoiseSourceConfig of(const std::filesystem::path& source) {
  NoiseSourceConfig config;
  config.source = source;
  config.min_entropy_per_byte = 8;
  return config;
}

TEST_CASE("PSRD randomness: without a further source it is the system's generator") {
  ReproducibleRandomness expected(1);
  ReproducibleRandomness system(1);
  PsrdRandomness randomness(system, {}, {});
  Bytes bytes(100000);
  REQUIRE(randomness.fill(bytes).has_value());
  CHECK(bytes == expected.data(bytes.size()));
  CHECK(randomness.status().state == State::none);
  CHECK(randomness.prepare().has_value());
}

TEST_CASE("PSRD randomness: a further source is mixed in by XOR, byte by byte") {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  ReproducibleRandomness noise(2);
  const Bytes contents = noise.data(300000);
  std::ofstream(file, std::ios::binary)
      .write(as_text(contents).data(), static_cast<std::streamsize>(contents.size()));
  ReproducibleRandomness expected(3);
  ReproducibleRandomness system(3);
  PsrdRandomness randomness(system, of(file), directory.path());
  CHECK(randomness.status().state == State::untested);
  Bytes bytes(200000);
  REQUIRE(randomness.fill(bytes).has_value());
  const Bytes of_system = expected.data(bytes.size());
  bool all = true;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    all = all &&
          bytes[i] == (of_system[i] ^ contents[NoiseInput::kHeadBytes + NoiseSource::kStartUpSamples + i]);
  }
  CHECK(all);
  const auto status = randomness.status();
  CHECK(status.state == State::good);
  CHECK(status.source == file.string());
  CHECK(status.bytes == bytes.size());
}

TEST_CASE("PSRD randomness: nothing is given while the further source fails, and the status tells why") {
  const TemporaryDirectory directory;
  SystemRandomness system;
  PsrdRandomness randomness(system, of("/dev/zero"), directory.path());
  Bytes bytes(64, 1);
  CHECK_FALSE(randomness.fill(bytes).has_value());
  CHECK(bytes == Bytes(64, 0));
  const auto status = randomness.status();
  CHECK(status.state == State::failed);
  CHECK(status.error.find("repetition count test") != std::string::npos);
  CHECK(status.failures == 1);
  CHECK(status.bytes == 0);
}

TEST_CASE("PSRD randomness: threads that fill at once get different bytes") {
  const TemporaryDirectory directory;
  SystemRandomness system;
  PsrdRandomness randomness(system, of("/dev/urandom"), directory.path());
  std::vector<Bytes> made(4, Bytes(100000));
  std::vector<std::thread> threads;
  threads.reserve(made.size());
  for (Bytes& bytes : made) threads.emplace_back([&] { (void)randomness.fill(bytes); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < made.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(made[i] != made[j]);
  }
  CHECK(randomness.status().bytes == 400000);
}

}  // namespace
}  // namespace dske::hub
