// Group commit, seen from its own interface.
#include "store/commit_queue.h"

#include <optional>

#include <fcntl.h>

#include "base/file.h"
#include "store/read_queue.h"
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

std::unique_ptr<Database> open_database(const std::filesystem::path& path) {
  { const FileDescriptor made(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
  auto database = Database::open(path, Database::Access::read_write);
  require_ok(database);
  require_ok((*database)->execute("CREATE TABLE IF NOT EXISTS item (name TEXT PRIMARY KEY) STRICT"));
  return std::move(*database);
}

Result<void> insert(Database& database, const std::string& item) {
  return database.query("INSERT INTO item (name) VALUES (?)").bind(std::string_view(item)).run();
}

std::vector<std::string> items_in(const std::filesystem::path& path) {
  const auto database = open_database(path);
  std::vector<std::string> names;
  auto query = database->query("SELECT name FROM item ORDER BY rowid");
  while (true) {
    const auto row = query.step();
    require_ok(row);
    if (!*row) return names;
    names.emplace_back(query.text(0));
  }
}

/// Keeps the writer busy until it is released, so that what is submitted meanwhile forms one group.
class Gate {
 public:
  explicit Gate(CommitQueue& queue) {
    std::promise<void> entered;
    queue.submit<void>(
        [&entered, released = released_.get_future().share()](Database&) {
          entered.set_value();
          released.wait();
          return Result<void>();
        },
        [](const Result<void>&) {});
    entered.get_future().wait();
  }
  void release() { released_.set_value(); }

 private:
  std::promise<void> released_;
};

/// What was answered, in order: the item and the error's kind, if any. Filled on the writer thread, read
/// after finish().
struct Answers {
  std::vector<std::pair<std::string, std::optional<ErrorKind>>> list;

  auto operator()(std::string item) {
    return [this, item = std::move(item)](const Result<void>& result) {
      list.emplace_back(item, result ? std::nullopt : std::optional(result.error().kind));
    };
  }
};

class FakeWitness final : public CommitQueue::Witness {
 public:
  Result<void> before_commit(Database&) override {
    ++before;
    if (fail_before) return Error{ErrorKind::io, "before"};
    return {};
  }
  Result<void> after_commit(Database&) override {
    ++after;
    if (fail_after) return Error{ErrorKind::io, "after"};
    return {};
  }
  int before = 0;
  int after = 0;
  bool fail_before = false;
  bool fail_after = false;
};

auto inserting(std::string item) {
  return [item = std::move(item)](Database& database) { return insert(database, item); };
}

}  // namespace

TEST_CASE("a failing operation leaves nothing behind and does not disturb the others of its group") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  Answers answers;
  {
    CommitQueue queue(open_database(path), std::make_unique<FakeWitness>());
    Gate gate(queue);
    queue.submit<void>(inserting("a"), answers("a"));
    queue.submit<void>(
        [](Database& database) -> Result<void> {
          require_ok(insert(database, "half"));
          return Error{ErrorKind::forbidden, "changed its mind"};
        },
        answers("half"));
    queue.submit<void>(inserting("a"), answers("a again"));
    queue.submit<void>(inserting("b"), answers("b"));
    gate.release();
  }
  CHECK(answers.list == decltype(answers.list){{"a", std::nullopt},
                                               {"half", ErrorKind::forbidden},
                                               {"a again", ErrorKind::conflict},
                                               {"b", std::nullopt}});
  CHECK(items_in(path) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("if a commit fails, all of its operations get the error and nothing is done") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  Answers answers;
  {
    auto witness = std::make_unique<FakeWitness>();
    FakeWitness& seen = *witness;
    CommitQueue queue(open_database(path), std::move(witness));
    Gate gate(queue);
    seen.fail_before = true;
    queue.submit<void>(inserting("a"), answers("a"));
    const auto failed = answer_of<void>([&](auto done) {
      queue.submit_witnessed<void>(inserting("b"), std::move(done));
      gate.release();
    });
    CHECK(kind_of(failed) == ErrorKind::io);
    seen.fail_before = false;
    // The next commit is a new one.
    require_ok(answer_of<void>([&](auto done) { queue.submit<void>(inserting("c"), std::move(done)); }));
  }
  CHECK(answers.list == decltype(answers.list){{"a", ErrorKind::io}});
  CHECK(items_in(path) == std::vector<std::string>{"c"});
}

TEST_CASE("the witness sees only commits with a witnessed operation that succeeded") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  auto witness = std::make_unique<FakeWitness>();
  FakeWitness& seen = *witness;
  CommitQueue queue(open_database(path), std::move(witness));
  require_ok(answer_of<void>([&](auto done) { queue.submit<void>(inserting("a"), std::move(done)); }));
  const auto refused =
      answer_of<void>([&](auto done) { queue.submit_witnessed<void>(inserting("a"), std::move(done)); });
  CHECK(kind_of(refused) == ErrorKind::conflict);
  CHECK(seen.before == 0);
  CHECK(seen.after == 0);
  require_ok(
      answer_of<void>([&](auto done) { queue.submit_witnessed<void>(inserting("b"), std::move(done)); }));
  CHECK(seen.before == 1);
  CHECK(seen.after == 1);
}

TEST_CASE("what the witness could not note is answered as failed, the rest of the group is not") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  Answers answers;
  {
    auto witness = std::make_unique<FakeWitness>();
    witness->fail_after = true;
    CommitQueue queue(open_database(path), std::move(witness));
    Gate gate(queue);
    queue.submit<void>(inserting("a"), answers("a"));
    queue.submit_witnessed<void>(inserting("b"), answers("b"));
    gate.release();
  }
  CHECK(answers.list == decltype(answers.list){{"a", std::nullopt}, {"b", ErrorKind::io}});
}

TEST_CASE("a database that is full fails the group that found it so, and works again when there is room") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  auto database = open_database(path);
  require_ok(database->execute("PRAGMA max_page_count = 20"));
  CommitQueue queue(std::move(database), std::make_unique<FakeWitness>());
  const std::string large(200000, 'x');
  const auto full =
      answer_of<void>([&](auto done) { queue.submit<void>(inserting(large), std::move(done)); });
  CHECK(kind_of(full) == ErrorKind::io);
  CHECK(full.error().message.find("full") != std::string::npos);
  require_ok(answer_of<void>([&](auto done) { queue.submit<void>(inserting("small"), std::move(done)); }));
  require_ok(answer_of<void>([&](auto done) {
    queue.submit<void>([](Database& open) { return open.execute("PRAGMA max_page_count = 100000"); },
                       std::move(done));
  }));
  require_ok(answer_of<void>([&](auto done) { queue.submit<void>(inserting(large), std::move(done)); }));
  queue.finish();
  CHECK(items_in(path) == std::vector<std::string>{"small", large});
}

TEST_CASE("beyond its limit a queue refuses, in turn, and keeps nothing of what it refused") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  Answers answers;
  const auto payload = std::make_shared<int>(1);
  {
    CommitQueue queue(open_database(path), std::make_unique<FakeWitness>());
    Gate gate(queue);
    for (std::size_t i = 0; i < CommitQueue::kWaitingMost; ++i) {
      const std::string item = std::to_string(i);
      queue.submit<void>(inserting(item), answers(item));
    }
    queue.submit<void>([payload](Database&) { return Result<void>(); }, answers("refused"));
    CHECK(payload.use_count() == 1);
    CHECK(answers.list.empty());
    gate.release();
  }
  REQUIRE(answers.list.size() == CommitQueue::kWaitingMost + 1);
  for (std::size_t i = 0; i < CommitQueue::kWaitingMost; ++i) {
    CHECK(answers.list[i].first == std::to_string(i));
    CHECK_FALSE(answers.list[i].second.has_value());
  }
  CHECK(answers.list.back().second == ErrorKind::exhausted);
  CHECK(items_in(path).size() == CommitQueue::kWaitingMost);
}

TEST_CASE("what answers submit while the queue finishes is still done; what comes later is refused") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  Answers answers;
  CommitQueue queue(open_database(path), std::make_unique<FakeWitness>());
  Gate gate(queue);
  queue.submit<void>(inserting("a"),
                     [&](const Result<void>&) { queue.submit<void>(inserting("b"), answers("b")); });
  gate.release();
  queue.finish();
  CHECK(answers.list == decltype(answers.list){{"b", std::nullopt}});
  queue.submit<void>(inserting("c"), answers("c"));
  CHECK(answers.list.back() == decltype(answers.list)::value_type{"c", ErrorKind::unavailable});
  CHECK(items_in(path) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("reads do not wait for a commit and see all that was answered") {
  const TemporaryDirectory dir;
  const auto path = dir.path() / "db";
  CommitQueue writes(open_database(path), std::make_unique<FakeWitness>());
  auto reading = Database::open(path, Database::Access::read_only);
  require_ok(reading);
  ReadQueue reads(std::move(*reading));
  const auto count = [&] {
    return answer_of<std::int64_t>([&](auto done) {
      reads.submit<std::int64_t>(
          [](Database& database) -> Result<std::int64_t> {
            auto query = database.query("SELECT count(*) FROM item");
            if (const auto row = query.step(); !row) return row.error();
            return query.integer(0);
          },
          std::move(done));
    });
  };
  require_ok(answer_of<void>([&](auto done) { writes.submit<void>(inserting("a"), std::move(done)); }));
  Gate gate(writes);
  CHECK(count() == 1);
  gate.release();
  require_ok(answer_of<void>([&](auto done) { writes.submit<void>(inserting("b"), std::move(done)); }));
  CHECK(count() == 2);
  // A reader that tries to write is told so.
  const auto refused =
      answer_of<void>([&](auto done) { reads.submit<void>(inserting("c"), std::move(done)); });
  CHECK(kind_of(refused) == ErrorKind::io);
}

}  // namespace dske::store::test
