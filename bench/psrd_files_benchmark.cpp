#include "bench/psrd_files_benchmark.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "base/file.h"
#include "base/file_stream.h"
#include "bench/latency.h"
#include "bench/process_figures.h"
#include "bench/program_run.h"
#include "bench/working_directory.h"

namespace dske::bench {
namespace {

// A hub with one client, and that client.
Result<void> make_nodes(const std::filesystem::path& directory) {
  if (auto made = make_private_directories(directory); !made) return made;
  const std::string hub = "name: hank\nstate_dir: hub\naddress: 127.0.0.1\nport: 1\nmanagement_port: 2\n";
  if (auto written = write_text(directory / "hub.yaml", hub); !written) return written;
  const std::string kme =
      "name: carol\nstate_dir: kme\naddress: 127.0.0.1\nport: 3\nmanagement_port: 4\n"
      "tls: {certificate: none.crt, key: none.key, client_ca: none.crt}\n"
      "encryptors: [carol]\nshares_required: 2\nhubs: [{name: hank}, {name: helen}]\n";
  if (auto written = write_text(directory / "kme.yaml", kme); !written) return written;
  const std::string hub_config = (directory / "hub.yaml").string();
  if (auto run = run_program("dske-hub", {"init", "--config", hub_config}); !run) return run.error();
  auto client = run_program("dske-hub", {"client", "add", "carol", "--sae", "carol", "--config", hub_config});
  if (!client) return client.error();
  auto kme_made = run_program("dske-kme", {"init", "--config", (directory / "kme.yaml").string()});
  if (!kme_made) return kme_made.error();
  return {};
}

Result<double> seconds_to_write(const std::filesystem::path& path, std::uint64_t mebibytes_to_write) {
  const Bytes part(std::size_t{1} << 20);
  const auto begun = std::chrono::steady_clock::now();
  auto sink = FileSink::create(path, 0600);
  if (!sink) return sink.error();
  for (std::uint64_t i = 0; i < mebibytes_to_write; ++i) {
    if (auto written = (*sink)->write(part); !written) return written.error();
  }
  if (auto finished = (*sink)->finish(); !finished) return finished.error();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return took.count();
}

struct Round {
  ProgramRun made;
  ProgramRun ingested;
  double written_seconds = 0;
};

Result<Round> run_round(const std::filesystem::path& directory, const PsrdFilesSettings& settings) {
  const std::string half = std::to_string(settings.mebibytes << 19);
  const std::string file = (directory / "block.psrd").string();
  Round round;
  const auto written = seconds_to_write(directory / "plain", settings.mebibytes);
  if (!written) return written.error();
  round.written_seconds = *written;
  auto made =
      run_program("dske-hub", {"psrd", "assign", "--client", "carol", "--client-bytes", half, "--hub-bytes",
                               half, "-o", file, "--config", (directory / "hub.yaml").string()});
  if (!made) return made.error();
  round.made = *made;
  auto ingested =
      run_program("dske-kme", {"ingest-psrd", file, "--config", (directory / "kme.yaml").string()});
  if (!ingested) return ingested.error();
  round.ingested = *ingested;
  return round;
}

void print(const char* what, const PsrdFilesSettings& settings, double made, double ingested,
           double written) {
  const double megabytes = static_cast<double>(settings.mebibytes) * 1.048576;
  std::printf(
      "%-8s make %6.2f s %6.0f MB/s   ingest %6.2f s %6.0f MB/s   write and flush alone %6.2f s %6.0f MB/s\n",
      what, made, megabytes / made, ingested, megabytes / ingested, written, megabytes / written);
}

}  // namespace

Result<void> run_psrd_files_benchmark(const PsrdFilesSettings& settings) {
  std::vector<double> made;
  std::vector<double> ingested;
  std::vector<double> written;
  std::int64_t most_hub = 0;
  std::int64_t most_kme = 0;
  std::printf("PSRD files of %llu MiB\n", static_cast<unsigned long long>(settings.mebibytes));
  for (unsigned i = 0; i < settings.rounds; ++i) {
    // Each time from nothing, so that no round fills the disk for the next.
    const WorkingDirectory directory(settings.directory);
    if (auto nodes = make_nodes(directory.path()); !nodes) return nodes;
    const auto round = run_round(directory.path(), settings);
    if (!round) return round.error();
    made.push_back(round->made.seconds);
    ingested.push_back(round->ingested.seconds);
    written.push_back(round->written_seconds);
    most_hub = std::max(most_hub, round->made.most_resident_bytes);
    most_kme = std::max(most_kme, round->ingested.most_resident_bytes);
    print("", settings, made.back(), ingested.back(), written.back());
  }
  print("median", settings, median(made), median(ingested), median(written));
  std::printf("peak memory: dske-hub %.1f MiB, dske-kme %.1f MiB\n", mebibytes(most_hub),
              mebibytes(most_kme));
  return {};
}

}  // namespace dske::bench
