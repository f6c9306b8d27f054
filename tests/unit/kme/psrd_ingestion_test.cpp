#include "kme/psrd_ingestion.h"

#include <fstream>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/log.h"
#include "psrdfile/memory_stream.h"
#include "psrdfile/psrd_file.h"
#include "psrdfile/psrd_file_writer.h"
#include "psrdfile/recipient.h"
#include "psrdfile/sealed_file.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::client;
using store::test::kind_of;
using store::test::name;
using store::test::new_kme;
using store::test::random_id;
using store::test::require_ok;
using test::TemporaryDirectory;

// carol's KME, which knows the hubs hank and helen.
struct Carol {
  TemporaryDirectory directory;
  KmeConfig config;
  std::unique_ptr<store::KmeStore> store = new_kme(directory.path());
  std::optional<HubRoster> roster;
  std::optional<PsrdIngestion> ingestion;
  HubId hank = random_id<HubId>();
  int files = 0;

  Carol() {
    log::set_level(log::Level::error);
    config.name = client("carol");
    config.hubs = {{name<HubName>("hank"), ""}, {name<HubName>("helen"), ""}};
    begin();
  }
  void begin(std::vector<store::HubRecord> known = {}) {
    roster.emplace(config);
    ingestion.emplace(config, *roster, *store, std::move(known));
  }
  Result<Ingested> ingest(const std::filesystem::path& path) {
    return ingestion->ingest(path, PsrdArrival::by_operator);
  }
  ~Carol() { log::set_level(log::Level::info); }
  Carol(const Carol&) = delete;
  Carol& operator=(const Carol&) = delete;

  PsrdFile of_hank() const {
    SystemRandomness randomness;
    PsrdFile file;
    file.hub_id = hank;
    file.hub_name = name<HubName>("hank");
    file.endpoint = "http://127.0.0.1:8100";
    file.client_id = random_id<ClientId>();
    file.client_name = client("carol");
    file.block = random_id<BlockId>();
    file.layout = PsrdLayout::of_halves(4096, 4096);
    file.data = randomness.bytes(file.layout.total());
    return file;
  }

  static std::string write_binary(const PsrdFile& file) {
    test::Taken taken;
    test::MemorySink sink(taken);
    auto writer = PsrdFileWriter::begin(file, PsrdForm::binary, sink);
    require_ok(writer);
    require_ok((*writer)->write(file.data.view()));
    require_ok((*writer)->finish());
    return std::string(as_text(taken.bytes));
  }

  // The same, encrypted by the passphrase "correct horse battery".
  static std::string encrypt(std::string_view contents) {
    test::Taken taken;
    SystemRandomness randomness;
    auto sink = seal_for(Passphrase{SecretBytes::copy_of("correct horse battery")},
                         std::make_unique<test::MemorySink>(taken), randomness);
    require_ok(sink);
    require_ok((*sink)->write(as_bytes(contents)));
    require_ok((*sink)->finish());
    return std::string(as_text(taken.bytes));
  }

  std::filesystem::path write_private(std::string_view text) {
    const auto path = write(text, ".secret");
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }

  std::filesystem::path write(std::string_view text, const char* extension = ".json") {
    auto path = directory.path() / "in" / (std::to_string(++files) + extension);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  std::filesystem::path write(const PsrdFile& file) { return write(file.write().text()); }

  std::size_t blocks_in_store() {
    auto contents = store->load();
    require_ok(contents);
    return contents->blocks.size();
  }

  void check_refused(const std::filesystem::path& path, ErrorKind kind) {
    const std::size_t before = blocks_in_store();
    const auto result = ingest(path);
    CHECK(kind_of(result) == kind);
    CHECK(std::filesystem::exists(path));
    CHECK(blocks_in_store() == before);
  }
};

TEST_CASE("a PSRD file is stored with its hub, then wiped and removed") {
  Carol carol;
  const PsrdFile file = carol.of_hank();
  const auto path = carol.write(file);
  const auto ingested = carol.ingest(path);
  require_ok(ingested);
  CHECK(ingested->hub.id == file.hub_id);
  CHECK(ingested->hub.client_id == file.client_id);
  CHECK(ingested->block.id == file.block);
  CHECK(constant_time_equal(ingested->block.bytes->read(0, 1024)->view(), file.data.view().first(1024)));
  CHECK_FALSE(std::filesystem::exists(path));
  auto contents = carol.store->load();
  require_ok(contents);
  REQUIRE(contents->blocks.size() == 1);
  CHECK(contents->blocks[0].hub == file.hub_id);
  const auto last = contents->blocks[0].block.bytes->read(file.layout.total() - 1024, 1024);
  require_ok(last);
  CHECK(constant_time_equal(last->view(), file.data.view().last(1024)));
  REQUIRE(contents->hubs.size() == 1);
  CHECK(contents->hubs[0].endpoint == "http://127.0.0.1:8100");
}

TEST_CASE("a PSRD file is ingested once, whatever it is called") {
  Carol carol;
  const PsrdFile file = carol.of_hank();
  require_ok(carol.ingest(carol.write(file)));
  carol.check_refused(carol.write(file), ErrorKind::conflict);
}

TEST_CASE("a block that has been used up cannot be ingested again") {
  Carol carol;
  const PsrdFile file = carol.of_hank();
  require_ok(carol.ingest(carol.write(file)));
  require_ok(
      store::test::answer_of<void>([&](auto done) { carol.store->drop_block(file.block, std::move(done)); }));
  carol.check_refused(carol.write(file), ErrorKind::conflict);
}

TEST_CASE("a damaged PSRD file changes nothing") {
  Carol carol;
  const PsrdFile file = carol.of_hank();
  const std::string text(file.write().text());
  std::string altered = text;
  char& digit = altered[altered.find("client_half") + 40];
  digit = digit == 'A' ? 'B' : 'A';
  carol.check_refused(carol.write(altered), ErrorKind::corrupt);
  carol.check_refused(carol.write(text.substr(0, text.size() / 2)), ErrorKind::invalid);
  carol.check_refused(carol.write(""), ErrorKind::corrupt);
  std::string binary = carol.write_binary(file);
  binary[binary.size() / 2] ^= 1;
  carol.check_refused(carol.write(binary, ".psrd"), ErrorKind::corrupt);
  CHECK(std::filesystem::is_empty(carol.directory.path() / "psrd"));
  carol.check_refused(carol.write("[]"), ErrorKind::invalid);
  require_ok(carol.ingest(carol.write(file)));
}

TEST_CASE("a PSRD file for another client or of a hub that is not configured is refused") {
  Carol carol;
  PsrdFile for_celia = carol.of_hank();
  for_celia.client_name = client("celia");
  carol.check_refused(carol.write(for_celia), ErrorKind::invalid);
  PsrdFile of_stranger = carol.of_hank();
  of_stranger.hub_name = name<HubName>("stranger");
  carol.check_refused(carol.write(of_stranger), ErrorKind::invalid);
}

TEST_CASE("a hub keeps the id under which it became known") {
  Carol carol;
  require_ok(carol.ingest(carol.write(carol.of_hank())));
  PsrdFile made_anew = carol.of_hank();
  made_anew.hub_id = random_id<HubId>();
  carol.check_refused(carol.write(made_anew), ErrorKind::conflict);
  PsrdFile renamed = carol.of_hank();
  renamed.hub_name = name<HubName>("helen");
  carol.check_refused(carol.write(renamed), ErrorKind::conflict);
  require_ok(carol.ingest(carol.write(carol.of_hank())));
}

TEST_CASE("a hub that the store knew before the start keeps its id too") {
  Carol carol;
  carol.begin({{random_id<HubId>(), name<HubName>("hank"), "http://127.0.0.1:1", {}}});
  carol.check_refused(carol.write(carol.of_hank()), ErrorKind::conflict);
}

TEST_CASE("a hub that was forgotten may come with another id") {
  Carol carol;
  require_ok(carol.ingest(carol.write(carol.of_hank())));
  PsrdFile made_anew = carol.of_hank();
  made_anew.hub_id = random_id<HubId>();
  const auto path = carol.write(made_anew);
  const auto refused = carol.ingest(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("dske-kme hub forget hank") != std::string::npos);
  carol.ingestion->forget_hub(carol.hank);
  require_ok(carol.ingest(path));
}

TEST_CASE("where no hubs are listed the operator joins one by its file, and a dropped file only if it may") {
  Carol carol;
  carol.config.hubs.clear();
  carol.config.hubs_listed = false;
  carol.begin();
  const auto drop = [&](const PsrdFile& file) {
    return carol.ingestion->ingest(carol.write(file), PsrdArrival::by_drop);
  };
  CHECK(kind_of(drop(carol.of_hank())) == ErrorKind::invalid);
  require_ok(carol.ingest(carol.write(carol.of_hank())));
  require_ok(drop(carol.of_hank()));  // the hub is known now
  PsrdFile of_helen = carol.of_hank();
  of_helen.hub_id = random_id<HubId>();
  of_helen.hub_name = name<HubName>("helen");
  CHECK(kind_of(drop(of_helen)) == ErrorKind::invalid);
  carol.config.join_from_psrd_in = true;
  carol.begin();
  require_ok(drop(of_helen));
}

TEST_CASE("PSRD of a hub that was taken from the list is refused, though it is known") {
  Carol carol;
  require_ok(carol.ingest(carol.write(carol.of_hank())));
  carol.roster->replace({{name<HubName>("helen"), ""}});
  carol.check_refused(carol.write(carol.of_hank()), ErrorKind::invalid);
  carol.roster->replace({{name<HubName>("hank"), ""}});
  require_ok(carol.ingest(carol.write(carol.of_hank())));
}

TEST_CASE("a file that is not there is an error of the file system") {
  Carol carol;
  const auto result = carol.ingest(carol.directory.path() / "none.json");
  CHECK_FALSE(result.has_value());
}

TEST_CASE("a file that cannot be read now stays where it is, to be tried again") {
  Carol carol;
  const auto directory = carol.directory.path() / "in";
  std::filesystem::create_directories(directory);
  std::filesystem::create_symlink("a.json", directory / "a.json");  // the system cannot open it
  int ingested = 0;
  ingest_directory(*carol.ingestion, directory, [&](const Ingested&) { ++ingested; });
  CHECK(ingested == 0);
  CHECK(std::filesystem::is_symlink(directory / "a.json"));
  std::filesystem::remove(directory / "a.json");
  carol.write(carol.of_hank());
  ingest_directory(*carol.ingestion, directory, [&](const Ingested&) { ++ingested; });
  CHECK(ingested == 1);
}

TEST_CASE("an encrypted PSRD file is ingested with what opens it, or with what the configuration names") {
  Carol carol;
  const auto secret = carol.write_private("correct horse battery");
  const PsrdFile file = carol.of_hank();
  const auto given = carol.write(carol.encrypt(file.write().text()), ".psrd");
  require_ok(carol.ingestion->ingest(given, PsrdArrival::by_operator, {secret, {}}));
  CHECK_FALSE(std::filesystem::exists(given));
  CHECK(std::filesystem::exists(secret));

  carol.config.psrd_recipient.passphrase = secret;
  require_ok(carol.ingest(carol.write(carol.encrypt(Carol::write_binary(carol.of_hank())), ".psrd")));
  CHECK(carol.blocks_in_store() == 2);

  const auto again = carol.write(carol.encrypt(file.write().text()), ".psrd");
  CHECK(carol.ingestion->is_known(again));
  carol.check_refused(again, ErrorKind::conflict);
}

TEST_CASE("an encrypted PSRD file without what opens it, damaged or cut off changes nothing") {
  Carol carol;
  const std::string whole = carol.encrypt(Carol::write_binary(carol.of_hank()));
  const auto refused = [&](const std::string& text, ErrorKind kind, const std::string& part) {
    const auto path = carol.write(text, ".psrd");
    carol.check_refused(path, kind);
    const auto result = carol.ingest(path);
    REQUIRE_FALSE(result.has_value());
    CAPTURE(result.error().message);
    CHECK(result.error().message.find(part) != std::string::npos);
    CHECK(result.error().message.find(path.string()) != std::string::npos);
  };
  refused(whole, ErrorKind::invalid, "it is encrypted: name what opens it");
  carol.config.psrd_recipient.passphrase = carol.write_private("correct horse batterz");
  refused(whole, ErrorKind::invalid, "the passphrase is not the one");
  carol.config.psrd_recipient.passphrase = carol.write_private("correct horse battery");
  std::string damaged = whole;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  refused(damaged, ErrorKind::corrupt, "damaged");
  refused(whole.substr(0, whole.size() - 1), ErrorKind::corrupt, "cut off");
  refused(whole + "x", ErrorKind::corrupt, "damaged");
  require_ok(carol.ingest(carol.write(whole, ".psrd")));
}

TEST_CASE("a binary PSRD file is ingested as one in JSON is, and the same block not twice") {
  Carol carol;
  const PsrdFile file = carol.of_hank();
  const auto ingested = carol.ingest(carol.write(carol.write_binary(file), ".psrd"));
  require_ok(ingested);
  CHECK(constant_time_equal(ingested->block.bytes->read(0, 1024)->view(), file.data.view().first(1024)));
  carol.check_refused(carol.write(file), ErrorKind::conflict);
}

TEST_CASE("of a directory a file that was ingested before is wiped: a crash may have come before it was") {
  Carol carol;
  const PsrdFile file = carol.of_hank();
  require_ok(carol.ingest(carol.write(file)));
  const auto again = carol.write(file);
  int ingested = 0;
  ingest_directory(*carol.ingestion, again.parent_path(), [&](const Ingested&) { ++ingested; });
  CHECK(ingested == 0);
  CHECK(std::filesystem::is_empty(again.parent_path()));
}

TEST_CASE("of a directory every good *.json is ingested and every other renamed to *.refused") {
  Carol carol;
  log::set_level(log::Level::error);
  const PsrdFile first = carol.of_hank();
  const PsrdFile second = carol.of_hank();
  const auto good = carol.write(first);
  const auto bad = carol.write("{}");
  const auto other_good = carol.write(second);
  const auto other = good.parent_path() / "being-written.tmp";
  std::ofstream(other) << "{";
  std::vector<BlockId> ingested;
  ingest_directory(*carol.ingestion, good.parent_path(),
                   [&](const Ingested& each) { ingested.push_back(each.block.id); });
  CHECK(ingested == std::vector<BlockId>{first.block, second.block});
  CHECK_FALSE(std::filesystem::exists(good));
  CHECK_FALSE(std::filesystem::exists(other_good));
  CHECK_FALSE(std::filesystem::exists(bad));
  CHECK(std::filesystem::exists(bad.string() + ".refused"));
  CHECK(std::filesystem::exists(other));
  ingested.clear();
  ingest_directory(*carol.ingestion, good.parent_path(),
                   [&](const Ingested& each) { ingested.push_back(each.block.id); });
  CHECK(ingested.empty());
}

}  // namespace
}  // namespace dske::kme
