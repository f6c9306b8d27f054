// A disk without room: calls fail with the reason, nothing is half done, and the store works again when there
// is room.
#include <cstdio>
#include <fstream>
#include <optional>

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

const HubRecord& hank() {
  static const HubRecord hub{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1",
                             random_id<ClientId>()};
  return hub;
}

Result<PsrdBlock> ingest(KmeStore& store, const NewBlock& block) {
  auto writer = store.write_block(block.id, block.layout);
  if (!writer) return writer.error();
  if (auto filled = (*writer)->write(block.data.view()); !filled) return filled.error();
  if (auto finished = (*writer)->finish(); !finished) return finished.error();
  return answer_of<PsrdBlock>(
      [&](auto done) { store.ingest_block(hank(), std::move(*writer), std::move(done)); });
}

/// Files cannot grow beyond `bytes` while it lives. Needs no privileges.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit lower = before_;
    lower.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
  }
  ~FileSizeLimit() { lift(); }
  void lift() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

/// Fills the store until it refuses, calling `make_full` after a while, then `make_room`, and returns what
/// then is not as it was answered; nothing if all is.
std::string fault_after_filling(const std::filesystem::path& dir, UniqueFunction<void()> make_full,
                                UniqueFunction<void()> make_room) {
  auto store = new_kme(dir);
  std::vector<NewBlock> stored;
  std::optional<Error> refused;
  while (!refused && stored.size() < 200) {
    NewBlock block = random_block(Side::client, PsrdLayout::of_halves(65536, 65536));
    const auto taken = ingest(*store, block);
    if (taken) {
      stored.push_back(std::move(block));
      if (stored.size() == 8) make_full();
    } else {
      refused = taken.error();
    }
  }
  if (!refused) return "it never got full";
  if (refused->kind != ErrorKind::io) return "another error: " + refused->message;
  if (stored.size() < 5) return "it was full too soon";
  for (int i = 0; i < 3; ++i) {
    if (ingest(*store, random_block(Side::client, stored[0].layout)))
      return "it was full, but then took a block";
  }

  make_room();
  stored.push_back(random_block(Side::client));
  if (auto taken = ingest(*store, stored.back()); !taken) return "not usable again: " + taken.error().message;
  const NewBlock& first = stored.front();
  const std::uint64_t pad = first.lease_end.pad;
  const auto leased = answer_of<std::vector<SecretBytes>>([&](auto done) {
    store->extend_leases({{first.id, Zone::pad, pad, pad + 512, pad}}, std::move(done));
  });
  if (!leased) return "no lease: " + leased.error().message;
  store.reset();

  auto opened = open_kme(dir);
  if (!opened) return "not opened again: " + opened.error().message;
  const auto contents = (*opened)->load();
  if (!contents) return "not loaded again: " + contents.error().message;
  if (!contents->dropped_after_set_back.empty()) return "blocks were dropped";
  if (contents->blocks.size() != stored.size()) return "there are more or fewer blocks than were answered";
  for (std::size_t i = 1; i < stored.size(); ++i) {
    const PsrdBlock& block = contents->blocks[i].block;
    if (block.id != stored[i].id || !same_bytes(block, stored[i], 0, block.layout.total())) {
      return "a block is another";
    }
  }
  if (contents->blocks[0].block.lease_end.pad != pad + 512) return "the lease is another";
  return "";
}

/// A file system of 4 MiB on `dir`, seen by this process alone; false where that is not allowed.
bool mount_small_disk(const std::filesystem::path& dir) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=4m") == 0;
}

}  // namespace

TEST_CASE("a store whose files cannot grow refuses and recovers") {
  const TemporaryDirectory dir;
  std::optional<FileSizeLimit> limit;
  const std::string fault = fault_after_filling(
      dir.path(), [&] { limit.emplace(100000); }, [&] { limit->lift(); });
  CHECK(fault == "");
}

TEST_CASE("a store on a full disk refuses and recovers") {
  constexpr int kNotAllowed = 77;
  const TemporaryDirectory dir;
  // In a process of its own, for the mount is to end with it.
  const pid_t child = ::fork();
  if (child == 0) {
    if (!mount_small_disk(dir.path())) ::_exit(kNotAllowed);
    const auto ballast = dir.path() / "ballast";
    std::ofstream(ballast) << std::string(1 << 20, 'x');
    const std::string fault = fault_after_filling(
        dir.path(), [] {}, [&] { std::filesystem::remove(ballast); });
    if (!fault.empty()) std::fprintf(stderr, "%s\n", fault.c_str());
    ::_exit(fault.empty() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNotAllowed) {
    MESSAGE("not run: mounting is not allowed here");
  } else {
    CHECK(WEXITSTATUS(status) == 0);
  }
}

}  // namespace dske::store::test
