// Whatever moment the process is killed at: what was answered is there, and nothing is answered twice.
#include <array>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

/// What the killed process had been answered, as it wrote it into a pipe.
struct Note {
  enum class Kind : std::uint8_t { number, lease, share_added, share_withdrawn };
  Kind kind;
  std::uint64_t value;
  std::array<std::uint8_t, Uuid::kBytes> id;
};

void write_note(int fd, Note::Kind kind, std::uint64_t value, const Uuid& id = {}) {
  const Note note{kind, value, id.bytes()};
  // Shorter than PIPE_BUF, so written whole or not at all.
  if (::write(fd, &note, sizeof note) != sizeof note) ::_exit(3);
}

bool read_note(int fd, Note& note) {
  return ::read(fd, &note, sizeof note) == sizeof note;
}

/// When to kill: so long after the start or, for sure in the midst of traffic, after the first note.
struct Moment {
  bool after_first_note;
  std::chrono::microseconds delay;

  static Moment random(bool after_first_note) {
    static std::mt19937 generator(std::random_device{}());
    return {after_first_note,
            std::chrono::microseconds(std::uniform_int_distribution<>(0, 100000)(generator))};
  }
};

/// Runs `traffic` in a process of its own, kills it at that moment and returns what it noted.
template <class Traffic>
std::vector<Note> notes_of_killed(const Moment& moment, Traffic traffic) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  FileDescriptor from(ends[0]);
  FileDescriptor into(ends[1]);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    from.close();
    traffic(into.get());
    ::_exit(4);
  }
  into.close();
  std::vector<Note> notes;
  Note note{};
  if (moment.after_first_note && read_note(from.get(), note)) notes.push_back(note);
  std::thread killer([child, &moment] {
    std::this_thread::sleep_for(moment.delay);
    ::kill(child, SIGKILL);
  });
  // Read meanwhile: a full pipe would stop the traffic.
  while (read_note(from.get(), note)) notes.push_back(note);
  killer.join();
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  return notes;
}

void keep_numbering(KmeStore& store, const HubId& hub, int fd) {
  store.next_registration_number(hub, [&store, hub, fd](Result<std::uint64_t> number) {
    if (!number) ::_exit(5);
    write_note(fd, Note::Kind::number, *number);
    keep_numbering(store, hub, fd);
  });
}

void keep_leasing(KmeStore& store, const PsrdLease& lease, int fd) {
  store.extend_leases({lease}, [&store, lease, fd](const Result<std::vector<SecretBytes>>& done) {
    if (!done) ::_exit(6);
    write_note(fd, Note::Kind::lease, lease.end);
    PsrdLease next = lease;
    next.used_to = lease.end - 32;
    next.begin = lease.end;
    next.end += kPsrdPieceBytes;
    keep_leasing(store, next, fd);
  });
}

void keep_sharing(HubStore& store, int fd) {
  auto share = share_of(context(client("carol")), deadline(seconds(3600)));
  const BundleName bundle = share.context.name();
  store.add_share(std::move(share), {client("celia")}, [&store, bundle, fd](const Result<void>& added) {
    if (!added) ::_exit(7);
    write_note(fd, Note::Kind::share_added, 0, bundle.id.uuid());
    keep_sharing(store, fd);
    if (bundle.id.uuid().bytes()[0] % 2 == 0) return;
    store.withdraw_share(bundle, [bundle, fd](const Result<std::uint64_t>& withdrawn) {
      if (!withdrawn || *withdrawn != 64) ::_exit(8);
      write_note(fd, Note::Kind::share_withdrawn, 0, bundle.id.uuid());
    });
  });
}

[[noreturn]] void for_ever() {
  while (true) ::pause();
}

}  // namespace

TEST_CASE("after kills at random moments no lease is shorter than answered and no number comes twice") {
  const TemporaryDirectory dir;
  const HubRecord hub{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1", random_id<ClientId>()};
  const NewBlock block = random_block(Side::client, PsrdLayout::of_halves(1 << 20, 4096));
  {
    const auto store = new_kme(dir.path());
    require_ok(answer_of<PsrdBlock>(
        [&](auto done) { store->ingest_block(hub, written(*store, block), std::move(done)); }));
  }
  std::uint64_t start = block.lease_end.pad;
  std::uint64_t last_number = 0;
  std::size_t answered = 0;
  for (int run = 0; run < 12; ++run) {
    const auto notes = notes_of_killed(Moment::random(run % 3 != 0), [&](int fd) {
      auto store = open_kme(dir.path());
      if (!store || !(*store)->load()) ::_exit(9);
      for (int i = 0; i < 3; ++i) keep_numbering(**store, hub.id, fd);
      keep_leasing(**store, {block.id, Zone::pad, start, start + kPsrdPieceBytes, start}, fd);
      for_ever();
    });
    std::uint64_t end = start;
    for (const Note& note : notes) {
      if (note.kind == Note::Kind::number) {
        CHECK(note.value > last_number);
        last_number = note.value;
      } else {
        CHECK(note.value > end);
        end = note.value;
      }
    }
    answered += notes.size();
    auto store = open_kme(dir.path());
    require_ok(store);
    const auto contents = (*store)->load();
    require_ok(contents);
    CHECK(contents->dropped_after_set_back.empty());
    REQUIRE(contents->blocks.size() == 1);
    const PsrdBlock& loaded = contents->blocks[0].block;
    CHECK(loaded.lease_end.pad >= end);
    CHECK(loaded.lease_end.authenticator == block.lease_end.authenticator);
    const std::uint64_t next = loaded.lease_end.pad;
    CHECK(same_bytes(loaded, block, next, block.layout.total()));
    CHECK(wiped_bytes(loaded, block.lease_end.pad, next));
    start = next;
  }
  CHECK(answered > 0);
}

TEST_CASE(
    "after kills at random moments the shares that were acknowledged are there, the withdrawn are not") {
  const TemporaryDirectory dir;
  new_hub(dir.path());
  std::set<BundleId> expected;
  std::set<BundleId> withdrawn;
  std::size_t answered = 0;
  for (int run = 0; run < 12; ++run) {
    const auto notes = notes_of_killed(Moment::random(run % 3 != 0), [&](int fd) {
      auto store = open_hub(dir.path());
      if (!store || !(*store)->load()) ::_exit(9);
      for (int i = 0; i < 8; ++i) keep_sharing(**store, fd);
      for_ever();
    });
    answered += notes.size();
    for (const Note& note : notes) {
      const BundleId id = BundleId::of(KeyId(Uuid(note.id)));
      if (note.kind == Note::Kind::share_added) {
        expected.insert(id);
      } else {
        expected.erase(id);
        withdrawn.insert(id);
      }
    }
    const auto store = open_hub(dir.path());
    require_ok(store);
    const auto pending = answer_of<PendingShares>(
        [&](auto done) { (*store)->pending(client("celia"), 0, 1000000, std::move(done)); });
    require_ok(pending);
    std::set<BundleId> found;
    for (const BundleName& bundle : pending->bundles) found.insert(bundle.id);
    for (const BundleId& id : withdrawn) CHECK_FALSE(found.contains(id));
    for (const BundleId& id : expected) {
      if (found.contains(id)) {
        require_ok(answer_of<ShareRecord>([&](auto done) {
          (*store)->load_share({client("carol"), id}, client("celia"), std::move(done));
        }));
      } else {
        // Its withdrawal became durable and was about to be answered.
        CHECK(id.uuid().bytes()[0] % 2 == 1);
      }
    }
    expected = found;
  }
  CHECK(answered > 0);
}

}  // namespace dske::store::test
