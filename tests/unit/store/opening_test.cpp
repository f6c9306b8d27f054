// Which stores are opened, and which are refused and why.
#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/database.h"
#include "store/schema.h"
#include "store/store_fixture.h"

namespace dske::store::test {
namespace {

using std::chrono::seconds;

void hold(KmeStore& store) {
  require_ok(answer_of<void>([&](auto done) {
    store.hold_bundle(held_of(context(client("carol")), deadline(seconds(60))), std::move(done));
  }));
}

NewBlock ingest(KmeStore& store) {
  NewBlock block = random_block(Side::client);
  require_ok(answer_of<PsrdBlock>([&](auto done) {
    store.ingest_block(
        {random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1", random_id<ClientId>()},
        written(store, block), std::move(done));
  }));
  return block;
}

}  // namespace

TEST_CASE("a store is made once, for its owner alone") {
  const TemporaryDirectory dir;
  CHECK(kind_of(open_hub(dir.path())) == ErrorKind::not_found);
  CHECK(kind_of(open_kme(dir.path())) == ErrorKind::not_found);
  new_hub(dir.path());
  CHECK(kind_of(HubStore::create(dir.path(), node_key(), random_id<HubId>())) == ErrorKind::conflict);
  CHECK(kind_of(KmeStore::create(dir.path(), node_key())) == ErrorKind::conflict);
  const auto store = open_hub(dir.path());
  require_ok(store);
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("what an interrupted creation left does not hinder the next") {
  const TemporaryDirectory dir;
  std::ofstream(dir.path() / "store.db.new") << "half of it";
  std::ofstream(dir.path() / "store.db.new-wal") << "half of it";
  new_kme(dir.path());
  require_ok(open_kme(dir.path()));
}

TEST_CASE("the other kind's store is refused") {
  const TemporaryDirectory hub_dir;
  new_hub(hub_dir.path());
  CHECK(kind_of(open_kme(hub_dir.path())) == ErrorKind::invalid);
  const TemporaryDirectory kme_dir;
  new_kme(kme_dir.path());
  CHECK(kind_of(open_hub(kme_dir.path())) == ErrorKind::invalid);
}

TEST_CASE("a store of another schema version is refused") {
  const TemporaryDirectory dir;
  new_kme(dir.path());
  change(dir.path(), "PRAGMA user_version = " + std::to_string(kSchemaVersion + 1));
  const auto newer = open_kme(dir.path());
  CHECK(kind_of(newer) == ErrorKind::invalid);
  CHECK(newer.error().message.find("schema version") != std::string::npos);
}

TEST_CASE("a file that is no store is refused") {
  const TemporaryDirectory dir;
  SUBCASE("no database") {
    std::ofstream(database_path(dir.path())) << std::string(8192, 'x');
    CHECK(kind_of(open_kme(dir.path())) == ErrorKind::corrupt);
  }
  SUBCASE("empty") {
    std::ofstream(database_path(dir.path())).flush();
    CHECK(kind_of(open_kme(dir.path())) == ErrorKind::invalid);
  }
  SUBCASE("a directory") {
    std::filesystem::create_directory(database_path(dir.path()));
    CHECK(kind_of(open_kme(dir.path())) == ErrorKind::io);
  }
}

TEST_CASE("a store that may only be read is refused with the reason") {
  const TemporaryDirectory dir;
  new_kme(dir.path());
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  REQUIRE(::chmod(database_path(dir.path()).c_str(), 0444) == 0);
  // In a process of its own, as nobody: root may write everywhere.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    const auto store = open_kme(dir.path());
    const bool as_expected = !store && store.error().kind == ErrorKind::io &&
                             store.error().message.find("read-only") != std::string::npos;
    ::_exit(as_expected ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a damaged row is an error that names it") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = ingest(*store);
  hold(*store);
  require_ok(store->load());
  store.reset();
  std::string expected = block.id.text();
  SUBCASE("a position outside its zone") {
    change(dir.path(), "UPDATE psrd_block SET pad_lease_end = 99999999");
  }
  SUBCASE("a negative position") {
    change(dir.path(), "UPDATE psrd_block SET authenticator_floor = -1");
  }
  SUBCASE("a size that cannot be") {
    change(dir.path(), "UPDATE psrd_block SET hub_pad = 1 << 40");
  }
  SUBCASE("a key that was altered") {
    change(dir.path(), "UPDATE psrd_block SET sealed_key = zeroblob(72)");
  }
  SUBCASE("a head that was altered") {
    change(dir.path(), "INSERT INTO psrd_head SELECT number, 1, 6000, zeroblob(60) FROM psrd_block");
  }
  SUBCASE("an id that is none") {
    change(dir.path(), "UPDATE psrd_block SET id = x'00'");
    expected = "psrd_block";
  }
  SUBCASE("a context that is none") {
    change(dir.path(), "UPDATE held_bundle SET context = x'0011'");
    expected = "held_bundle";
  }
  SUBCASE("keys that are too short") {
    change(dir.path(), "UPDATE held_bundle SET sealed_keys = x'00'");
    expected = "held_bundle";
  }
  SUBCASE("a hub without a name") {
    change(dir.path(), "UPDATE hub SET name = ''");
    expected = "of hub";
  }
  const auto damaged = open_kme(dir.path());
  Error error;
  if (damaged) {
    const auto contents = (*damaged)->load();
    CHECK_FALSE(contents);
    error = contents.error();
  } else {
    error = damaged.error();
  }
  CHECK(error.kind == ErrorKind::corrupt);
  CHECK(error.message.find(expected) != std::string::npos);
}

TEST_CASE("a store is refused with another node key than its own, and nothing is changed") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock block = ingest(*store);
  store.reset();
  const SecretBytes other = SystemRandomness().bytes(Sealer::kKeyBytes);
  const auto refused = KmeStore::open(dir.path(), other);
  CHECK(kind_of(refused) == ErrorKind::invalid);
  CHECK(refused.error().message.find("node key") != std::string::npos);
  auto opened = open_kme(dir.path());
  require_ok(opened);
  const auto contents = (*opened)->load();
  require_ok(contents);
  REQUIRE(contents->blocks.size() == 1);
  CHECK(same_bytes(contents->blocks[0].block, block, 0, block.layout.total()));
}

TEST_CASE("a block whose file is lost is dropped, the others stay") {
  const TemporaryDirectory dir;
  auto store = new_kme(dir.path());
  const NewBlock missing = ingest(*store);
  const NewBlock cut_off = ingest(*store);
  const NewBlock whole = ingest(*store);
  store.reset();
  const auto file_of = [&](const NewBlock& block) {
    return dir.path() / "psrd" / (block.id.text() + ".psrd");
  };
  std::filesystem::remove(file_of(missing));
  std::filesystem::resize_file(file_of(cut_off), 100);
  std::ofstream(dir.path() / "psrd" / "left.new") << "of a crash";
  for (int i = 0; i < 2; ++i) {
    auto opened = open_kme(dir.path());
    require_ok(opened);
    const auto contents = (*opened)->load();
    require_ok(contents);
    REQUIRE(contents->blocks.size() == 1);
    CHECK(contents->blocks[0].block.id == whole.id);
    CHECK(same_bytes(contents->blocks[0].block, whole, 0, whole.layout.total()));
  }
  CHECK_FALSE(std::filesystem::exists(file_of(cut_off)));
  CHECK_FALSE(std::filesystem::exists(dir.path() / "psrd" / "left.new"));
}

TEST_CASE("a damaged share fails alone") {
  const TemporaryDirectory dir;
  const auto store = new_hub(dir.path());
  const auto damaged = share_of(context(client("carol")), deadline(seconds(60)));
  const auto whole = share_of(context(client("carol")), deadline(seconds(60)));
  for (const ShareRecord* share : {&damaged, &whole}) {
    require_ok(answer_of<void>([&](auto done) {
      store->add_share({share->context, share->share.clone(), share->secret_tag, share->expires},
                       {client("celia")}, std::move(done));
    }));
  }
  SUBCASE("its context") {
    change(dir.path(), "UPDATE share SET context = x'00' WHERE number = 1");
  }
  SUBCASE("its tag") {
    change(dir.path(), "UPDATE share SET secret_tag = x'00' WHERE number = 1");
  }
  SUBCASE("its bytes") {
    change(dir.path(), "UPDATE share SET sealed_share = x'00' WHERE number = 1");
  }
  SUBCASE("another bundle's bytes") {
    change(
        dir.path(),
        "UPDATE share SET sealed_share = (SELECT sealed_share FROM share WHERE number = 2) WHERE number = 1");
  }
  SUBCASE("another bundle's context") {
    change(dir.path(),
           "UPDATE share SET context = (SELECT context FROM share WHERE number = 2) WHERE number = 1");
  }
  const auto load = [&](const ShareRecord& share) {
    return answer_of<ShareRecord>(
        [&](auto done) { store->load_share(share.context.name(), client("celia"), std::move(done)); });
  };
  const auto answer = load(damaged);
  CHECK(kind_of(answer) == ErrorKind::corrupt);
  CHECK(answer.error().message.find(damaged.context.id.text()) != std::string::npos);
  require_ok(load(whole));
}

}  // namespace dske::store::test
