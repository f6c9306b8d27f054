#include "kme/operator_command.h"

#include <iostream>
#include <utility>
#include <variant>

#include "base/log.h"
#include "node/node_key.h"
#include "node/operator_call.h"

namespace dske::kme {

int report(const Error& error) {
  return node::fail("dske-kme: " + error.message);
}

Result<KmeConfig> config_of(const node::Invocation& invocation) {
  return read_kme_config(invocation.option("config"));
}

Result<Offline> Offline::open(DirectoryLock lock, const KmeConfig& config) {
  const auto node_key = node::read_node_key(config.node.node_key);
  if (!node_key) return node_key.error();
  auto store = store::KmeStore::open(config.node.state_dir, *node_key);
  if (!store) return store.error();
  auto contents = (*store)->load();
  if (!contents) return contents.error();
  return Offline{std::move(lock), std::move(*store), std::move(*contents)};
}

Result<json::Document> run_either_way(const KmeConfig& config, ManagementCall call,
                                      const std::function<Result<SecretBytes>(Offline&)>& offline_action) {
  auto way = node::offline_or_daemon(config.node.state_dir);
  if (!way) return way.error();
  auto* lock = std::get_if<DirectoryLock>(&*way);
  if (lock == nullptr) {
    return node::call_daemon(config.node, call.method,
                             "/client/" + config.name.text() + "/mgmt/v1" + call.path, std::move(call.body));
  }
  auto offline = Offline::open(std::move(*lock), config);
  if (!offline) return offline.error();
  const auto answer = offline_action(*offline);
  if (!answer) return answer.error();
  return json::Document::parse(answer->text());
}

int run_and_print(const node::Invocation& invocation, ManagementCall call,
                  const std::function<Result<SecretBytes>(Offline&, const KmeConfig&)>& offline_action,
                  const std::function<void(const json::Value&)>& print) {
  log::set_level(log::Level::warning);
  const auto config = config_of(invocation);
  if (!config) return report(config.error());
  const auto document = run_either_way(*config, std::move(call),
                                       [&](Offline& offline) { return offline_action(offline, *config); });
  if (!document) return report(document.error());
  if (invocation.flag("json")) {
    json::Writer writer;
    std::cout << writer.value(document->root()).take_text() << "\n";
  } else {
    print(document->root());
  }
  return 0;
}

std::string text_of(const json::Value& object, std::string_view name) {
  const auto member = object.member(name);
  return member ? std::string(member->string().value_or("")) : std::string();
}

}  // namespace dske::kme
