#include "wireguard/status_table.h"

#include <doctest/doctest.h>

namespace dske::wireguard {
namespace {

Result<std::string> table_of(std::string_view report) {
  const auto document = json::Document::parse(report);
  REQUIRE(document);
  return status_table(document->root());
}

}  // namespace

TEST_CASE("the status table shows a line for each peer, aligned, and nothing of what is not known") {
  const auto table = table_of(R"({"version": "1", "peers": [
    {"interface": "wg0", "sae_id": "bob", "public_key": "k", "state": "active", "sources": ["dske", "tls"], "key_age_seconds": 35, "key_used": true,
     "session": "live", "handshake_age_seconds": 7, "next_rotation_seconds": 84, "last_error": "", "later": 1},
    {"interface": "wg-long", "sae_id": "a much longer name", "public_key": "l", "state": "shut", "sources": [], "key_age_seconds": null,
     "key_used": false, "session": "down", "handshake_age_seconds": null, "next_rotation_seconds": null,
     "last_error": "the KME answers 503\u001b[2J\n\u009b"}]})");
  REQUIRE(table);
  CHECK(*table ==
        "INTERFACE  PEER                STATE   SOURCES   KEY AGE  SESSION           HANDSHAKE  NEXT  LAST "
        "ERROR\n"
        "wg0        bob                 active  dske+tls  35 s     live, key in use  7 s        84 s\n"
        "wg-long    a much longer name  shut    -         -        down              -          -     the "
        "KME answers "
        "503\\x1b[2J\\x0a\\x9b\n");
}

TEST_CASE("peers of one SAE on one interface are told apart") {
  const std::string rest = R"("state": "shut", "sources": [], "key_age_seconds": null, "key_used": false,
    "session": "down", "handshake_age_seconds": null, "next_rotation_seconds": null, "last_error": ""})";
  const auto table = table_of(R"({"peers": [
    {"interface": "wg0", "sae_id": "bob", "public_key": "y4mCZGl0gXDLRCnA", )" +
                              rest + R"(,
    {"interface": "wg0", "sae_id": "bob", "public_key": "AAAACQAAAAAAAAAA", )" +
                              rest + R"(,
    {"interface": "wg1", "sae_id": "bob", "public_key": "CCCCCCCCCCCCCCCC", )" +
                              rest + "]}");
  REQUIRE_MESSAGE(table, table.error().message);
  CHECK(table->find("wg0        bob y4mCZGl0") != std::string::npos);
  CHECK(table->find("wg0        bob AAAACQAA") != std::string::npos);
  CHECK(table->find("CCCC") == std::string::npos);
}

TEST_CASE("a report that is none gives an error, not a table") {
  CHECK_FALSE(table_of(R"({"peers": 1})"));
  CHECK_FALSE(table_of("[]"));
  CHECK_FALSE(table_of(R"({"peers": [{"interface": "wg0"}]})"));
}

}  // namespace dske::wireguard
