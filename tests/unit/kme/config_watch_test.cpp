#include "kme/config_watch.h"

#include <fstream>

#include <doctest/doctest.h>

#include "base/log.h"
#include "base/temporary_directory.h"
#include "kme/hub_roster.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using store::test::name;
using store::test::require_ok;
using Changed = std::optional<Result<std::vector<ConfiguredHub>>>;

// A KME that began with the hubs hank, helen and hilary.
struct Watched {
  test::TemporaryDirectory directory;
  std::filesystem::path file = directory.path() / "kme.yaml";
  KmeConfig config;
  std::optional<ConfigWatch> watch;

  Watched() {
    log::set_level(log::Level::error);
    write({"hank", "helen", "hilary"});
    auto read = read_kme_config(file);
    require_ok(read);
    config = std::move(*read);
    watch.emplace(config);
  }
  ~Watched() { log::set_level(log::Level::info); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  void write(const std::vector<std::string>& hubs, const std::string& more = "") {
    std::string text =
        "name: carol\nstate_dir: state\nport: 8105\ntls: {certificate: a, key: b, client_ca: c}\n"
        "encryptors: [carol]\n" +
        more;
    if (!hubs.empty()) text += "hubs:\n";
    for (const std::string& hub : hubs) text += "  - name: " + hub + "\n";
    // As editors do: another file in its place.
    std::ofstream(file.string() + ".new") << text;
    std::filesystem::rename(file.string() + ".new", file);
  }
  /// What the watch says within a few looks.
  Changed look() {
    for (int i = 0; i < 3; ++i) {
      if (auto changed = watch->changed_hubs()) return changed;
    }
    return std::nullopt;
  }
  void check_refused(const std::string& reason) {
    const Changed changed = look();
    REQUIRE(changed);
    REQUIRE_FALSE(*changed);
    CAPTURE((*changed).error().message);
    CHECK((*changed).error().message.find(reason) != std::string::npos);
    CHECK_FALSE(look());  // told once
  }
};

std::vector<std::string> names(const Changed& changed) {
  REQUIRE(changed);
  require_ok(*changed);
  std::vector<std::string> all;
  for (const ConfiguredHub& hub : **changed) all.push_back(hub.name.text());
  return all;
}

TEST_CASE("a configuration that has changed is told once, when it does not change any more") {
  Watched watched;
  CHECK(names(watched.look()).size() == 3);  // what changed while the KME started is not missed
  CHECK_FALSE(watched.look());
  watched.write({"hank", "helen", "holly"});
  CHECK_FALSE(watched.watch->changed_hubs());  // it may still be written
  CHECK(names(watched.watch->changed_hubs()) == std::vector<std::string>{"hank", "helen", "holly"});
  CHECK_FALSE(watched.look());
}

TEST_CASE(
    "a configuration that cannot be followed is told with the reason, and the next good one is followed") {
  Watched watched;
  static_cast<void>(watched.look());
  watched.write({"hank", "helen"}, "no_such_setting: 1\n");
  watched.check_refused("no_such_setting");
  watched.write({});
  watched.check_refused("shares_required");
  watched.write({}, "shares_required: 2\n");
  watched.check_refused("only at a start");
  std::filesystem::remove(watched.file);
  watched.check_refused("kme.yaml");
  watched.write({"hank", "helen"});
  CHECK(names(watched.look()).size() == 2);
}

TEST_CASE("fewer hubs than the running KME requires shares are not followed") {
  Watched watched;
  static_cast<void>(watched.look());
  watched.config.shares_required = 3;
  watched.write({"hank", "helen"});
  watched.check_refused("2 hubs are fewer than the 3 shares");
}

TEST_CASE("a roster follows its list, and without one takes every hub") {
  KmeConfig config;
  config.hubs = {{name<HubName>("hank"), "http://192.0.2.1:8100"}, {name<HubName>("helen"), ""}};
  HubRoster roster(config);
  CHECK(roster.has(name<HubName>("hank")));
  CHECK(roster.endpoint(name<HubName>("hank"), "http://file") == "http://192.0.2.1:8100");
  CHECK(roster.endpoint(name<HubName>("helen"), "http://file") == "http://file");
  CHECK_FALSE(roster.may_join(name<HubName>("holly"), PsrdArrival::by_operator));
  roster.replace({{name<HubName>("holly"), ""}});
  CHECK(roster.may_join(name<HubName>("holly"), PsrdArrival::by_drop));
  CHECK_FALSE(roster.has(name<HubName>("hank")));
  config.hubs_listed = false;
  config.hubs.clear();
  const HubRoster open(config);
  CHECK(open.has(name<HubName>("hank")));
  CHECK(open.may_join(name<HubName>("hank"), PsrdArrival::by_operator));
  CHECK_FALSE(open.may_join(name<HubName>("hank"), PsrdArrival::by_drop));
}

}  // namespace
}  // namespace dske::kme
