#include "manager/status_table.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "manager/status_fixture.h"

using namespace dske;
using namespace dske::manager;
using namespace dske::manager::test;

TEST_CASE("durations are short and exact to the next smaller unit") {
  CHECK(duration_text(0) == "0s");
  CHECK(duration_text(59) == "59s");
  CHECK(duration_text(60) == "1m00s");
  CHECK(duration_text(3599) == "59m59s");
  CHECK(duration_text(3600) == "1h00m");
  CHECK(duration_text(86399) == "23h59m");
  CHECK(duration_text(90000) == "1d01h");
}

TEST_CASE("the table shows nodes, the PSRD of each client at each hub as bars, and warnings") {
  std::vector<NodeReport> reports;
  reports.push_back(ready_report(NodeKind::hub, "hank", 8100, {{"carol", 99}, {"celia", 50}}));
  reports.push_back(report_of(NodeKind::hub, "helen", 8101));
  reports.back().state = NodeState::dead;
  reports.push_back(ready_report(NodeKind::client, "carol", 8102, {{"hank", 97.9}, {"helen", 3}}));
  reports.back().status->warnings = {"PSRD with helen is at 3 %"};
  reports.push_back(ready_report(NodeKind::client, "celia", 8103, {{"hank", 50}, {"helen", -1}}));
  reports.back().state = NodeState::not_ready;
  reports.back().reason = "registered with 1 hub of 2";

  CHECK(status_table(reports, {}, {false, false, 100}) ==
        "NODE          STATE              PID   PORT   UPTIME  URL\n"
        "hub hank      ready            12100   8100    2m05s  http://127.0.0.1:8100\n"
        "hub helen     dead                 -   8101        -  http://127.0.0.1:8101\n"
        "client carol  ready            12102   8102    2m05s  http://127.0.0.1:8102\n"
        "client celia  not ready        12103   8103    2m05s  http://127.0.0.1:8103\n"
        "\n"
        "PSRD LEFT  hank            helen\n"
        "carol      ########  97 %  #.......   3 %\n"
        "celia      ####....  50 %  none\n"
        "\n"
        "WARNINGS\n"
        "client carol: PSRD with helen is at 3 %\n"
        "client celia: registered with 1 hub of 2\n");
}

TEST_CASE("colours and block characters appear only where they can be shown") {
  const std::vector<NodeReport> reports = {
      ready_report(NodeKind::client, "carol", 8102, {{"hank", 100}, {"hugo", 5}})};
  const std::string plain = status_table(reports, {}, {false, false, 100});
  CHECK(plain.find('\x1b') == std::string::npos);
  CHECK(plain.find("########") != std::string::npos);
  const std::string rich = status_table(reports, {}, {true, true, 100});
  CHECK(rich.find("\x1b[32m████████\x1b[0m 100 %") != std::string::npos);
  CHECK_MESSAGE(rich.find("\x1b[31m█░░░░░░░\x1b[0m   5 %") != std::string::npos, "very little is red");
}

TEST_CASE("hubs that do not fit side by side go below each other") {
  const std::vector<NodeReport> reports = {
      ready_report(NodeKind::client, "carol", 8102, {{"a", 100}, {"b", 90}, {"c", 80}})};
  const std::string table = status_table(reports, {}, {false, false, 45});
  CHECK(table.find("PSRD LEFT  a               b\ncarol      ######## 100 %  #######.  90 %\n") !=
        std::string::npos);
  CHECK(table.find("\n           c\ncarol      ######..  80 %\n") != std::string::npos);
}

TEST_CASE("a single hub's own view of its clients makes the table when only it was asked") {
  const std::vector<NodeReport> reports = {
      ready_report(NodeKind::hub, "hank", 8100, {{"carol", 25}, {"celia", 75}})};
  CHECK(status_table(reports, {}, {false, false, 100})
            .find("PSRD LEFT  hank\ncarol      ##......  25 %\ncelia      ######..  75 %\n") !=
        std::string::npos);
}

TEST_CASE("the JSON form lists every node with its state and PSRD, and null for what is not known") {
  std::vector<NodeReport> reports;
  reports.push_back(ready_report(NodeKind::client, "carol", 8102, {{"hank", 50}}));
  reports.push_back(report_of(NodeKind::hub, "hank", 8100));
  const std::string text = reports_json(reports, {});
  const auto document = json::Document::parse(text);
  REQUIRE(document.has_value());
  const auto nodes = document->root().member("nodes")->elements();
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].member("type")->string() == "client");
  CHECK(nodes[0].member("name")->string() == "carol");
  CHECK(nodes[0].member("pid")->integer() == 12102);
  CHECK(nodes[0].member("state")->string() == "ready");
  CHECK(nodes[0].member("url")->string() == "http://127.0.0.1:8102");
  CHECK(nodes[0].member("mgmt_url")->string() == "http://127.0.0.1:9102");
  CHECK(nodes[0].member("uptime_seconds")->integer() == 125);
  const auto psrd = nodes[0].member("psrd")->elements();
  REQUIRE(psrd.size() == 1);
  CHECK(psrd[0].member("hub")->string() == "hank");
  CHECK(psrd[0].member("level_percent")->number() == 50);
  CHECK(psrd[0].member("client_authenticator")->member("left_bytes")->integer() == 32768);
  CHECK(nodes[1].member("state")->string() == "stopped");
  CHECK(nodes[1].member("pid")->is_null());
  CHECK(nodes[1].member("uptime_seconds")->is_null());
  CHECK(nodes[1].member("psrd")->elements().empty());
}
