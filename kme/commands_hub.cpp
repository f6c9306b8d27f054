#include <algorithm>
#include <future>
#include <iostream>

#include <fmt/core.h>

#include "kme/commands.h"
#include "kme/hub_roster.h"
#include "kme/management.h"
#include "kme/operator_command.h"

namespace dske::kme {
namespace {

using node::Invocation;

SecretBytes offline_hubs_json(const Offline& offline, const KmeConfig& config) {
  const HubRoster roster(config);
  json::Writer writer;
  writer.begin_object().name("hubs").begin_array();
  for (const store::HubRecord& hub : offline.contents.hubs) {
    const auto& held = offline.contents.blocks;
    const auto blocks = std::count_if(held.begin(), held.end(),
                                      [&](const store::HubBlock& block) { return block.hub == hub.id; });
    const std::string state = !roster.has(hub.name) ? "not configured"
                              : blocks == 0         ? "no PSRD"
                                                    : "not running";
    write_hub_entry(writer, {hub.name.text(), hub.id.text(), roster.endpoint(hub.name, hub.endpoint), state,
                             "", static_cast<std::size_t>(blocks)});
  }
  for (const ConfiguredHub& hub : config.hubs) {
    const auto& known = offline.contents.hubs;
    if (std::none_of(known.begin(), known.end(), [&](const auto& each) { return each.name == hub.name; }))
      write_hub_entry(writer, {hub.name.text(), "", hub.endpoint, "no PSRD", "no PSRD was ingested", 0});
  }
  writer.end_array().end_object();
  return writer.take();
}

int list(const Invocation& invocation) {
  return run_and_print(
      invocation, {"GET", "/hubs"},
      [](Offline& offline, const KmeConfig& config) -> Result<SecretBytes> {
        return offline_hubs_json(offline, config);
      },
      [](const json::Value& answer) {
        constexpr const char* kRow = "{:<20}  {:<14}  {:>6}  {:<36}  {}\n";
        std::cout << fmt::format(fmt::runtime(kRow), "HUB", "STATE", "BLOCKS", "ID", "ENDPOINT");
        for (const json::Value& hub : answer.member("hubs")->elements()) {
          const auto blocks = hub.member("blocks")->integer().value_or(0);
          std::cout << fmt::format(fmt::runtime(kRow), text_of(hub, "name"), text_of(hub, "state"), blocks,
                                   text_of(hub, "hub_id"), text_of(hub, "endpoint"));
          if (const std::string error = text_of(hub, "error"); !error.empty())
            std::cout << "  " << text_of(hub, "name") << ": " << error << "\n";
        }
      });
}

int leave(const Invocation& invocation) {
  const std::string& name = invocation.arguments.at(0);
  const auto hub = HubName::parse(name);
  if (!hub) return report(hub.error());
  return run_and_print(
      invocation, {"POST", "/hubs/" + hub->text() + "/leave"},
      [&](Offline&, const KmeConfig&) -> Result<SecretBytes> {
        return Error{ErrorKind::unavailable, "the KME does not run, so hub " + name +
                                                 " cannot be told: start it, or use hub forget and have the"
                                                 " hub's operator disable this client"};
      },
      [&](const json::Value& /*answer*/) {
        std::cout << "left hub " << name << ": its PSRD is wiped at both ends\n";
      });
}

Result<SecretBytes> forget_offline(Offline& offline, const HubName& hub) {
  const auto& hubs = offline.contents.hubs;
  const auto found =
      std::find_if(hubs.begin(), hubs.end(), [&](const auto& each) { return each.name == hub; });
  if (found == hubs.end())
    return Error{ErrorKind::not_found, "no PSRD of hub " + hub.text() + " was ingested"};
  std::promise<Result<void>> forgotten;
  offline.store->forget_hub(found->id, [&](Result<void> result) { forgotten.set_value(std::move(result)); });
  if (auto result = forgotten.get_future().get(); !result) return result.error();
  return done_json("hub", hub.text(), "forgotten");
}

int forget(const Invocation& invocation) {
  const auto hub = HubName::parse(invocation.arguments.at(0));
  if (!hub) return report(hub.error());
  return run_and_print(
      invocation, {"DELETE", "/hubs/" + hub->text()},
      [&](Offline& offline, const KmeConfig&) { return forget_offline(offline, *hub); },
      [&](const json::Value& /*answer*/) {
        std::cout << "forgot hub " << hub->text() << ": its PSRD is wiped here\n";
      });
}

}  // namespace

std::vector<node::CommandAndAction> hub_commands() {
  return {
      {{"hub list",
        "hub list --config FILE [--json]",
        "shows the hubs and how it stands with each",
        {},
        {"json"},
        0,
        0,
        {}},
       list},
      {{"hub leave",
        "hub leave NAME --config FILE [--json]",
        "ends the registration with a hub and wipes its PSRD at both ends; the daemon must run",
        {},
        {"json"},
        1,
        1,
        {}},
       leave},
      {{"hub forget",
        "hub forget NAME --config FILE [--json]",
        "wipes a hub's PSRD here without asking it, for one that is gone or was made anew",
        {},
        {"json"},
        1,
        1,
        {}},
       forget},
  };
}

}  // namespace dske::kme
