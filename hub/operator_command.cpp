#include "hub/operator_command.h"

#include <iostream>
#include <utility>
#include <vector>

#include "base/log.h"
#include "node/node_key.h"
#include "node/operator_call.h"

namespace dske::hub {

int report(const Error& error) {
  return node::fail("dske-hub: " + error.message);
}

Result<HubConfig> config_of(const node::Invocation& invocation) {
  return read_hub_config(invocation.option("config"));
}

Offline::Offline(DirectoryLock taken_lock, HubConfig hub_config,
                 std::unique_ptr<store::HubStore> opened_store, const HubId& hub_id)
    : lock(std::move(taken_lock)),
      config(std::move(hub_config)),
      store(std::move(opened_store)),
      psrd_randomness(randomness, config.randomness, config.node.state_dir),
      files(config.node.state_dir),
      id(hub_id) {}

Result<std::unique_ptr<Offline>> Offline::open(DirectoryLock lock, const HubConfig& config) {
  const auto node_key = node::read_node_key(config.node.node_key);
  if (!node_key) return node_key.error();
  auto store = store::HubStore::open(config.node.state_dir, *node_key);
  if (!store) return store.error();
  auto contents = (*store)->load();
  if (!contents) return contents.error();
  auto offline = std::make_unique<Offline>(std::move(lock), config, std::move(*store), contents->hub_id);
  offline->clients = std::make_unique<ClientRegistry>(*offline->store);
  // Nothing is allocated here, so no block is told to be allocatable and no lease is taken.
  for (store::ClientBlock& block : contents->blocks) {
    if (std::exchange(block.listed, false)) offline->ingested.insert(block.block.id);
  }
  offline->clients->load(std::move(*contents));
  return offline;
}

Result<json::Document> run_either_way(const node::Invocation& invocation, ManagementCall call,
                                      const std::function<Result<SecretBytes>(Offline&)>& offline_action) {
  log::set_level(log::Level::warning);
  const auto config = config_of(invocation);
  if (!config) return config.error();
  auto way = node::offline_or_daemon(config->node.state_dir);
  if (!way) return way.error();
  auto* const lock = std::get_if<DirectoryLock>(&*way);
  if (lock == nullptr) {
    return node::call_daemon(config->node, call.method,
                             "/hub/" + config->name.text() + "/mgmt/v1" + call.path, std::move(call.body));
  }
  auto offline = Offline::open(std::move(*lock), *config);
  if (!offline) return offline.error();
  const auto answer = offline_action(**offline);
  if (!answer) return answer.error();
  return json::Document::parse(answer->text());
}

int run_and_print(const node::Invocation& invocation, ManagementCall call,
                  const std::function<Result<SecretBytes>(Offline&)>& offline_action,
                  const std::function<int(const json::Value&)>& print) {
  const auto document = run_either_way(invocation, std::move(call), offline_action);
  if (!document) return report(document.error());
  if (!invocation.flag("json")) return print(document->root());
  print_json(document->root());
  return 0;
}

void print_json(const json::Value& value) {
  json::Writer writer;
  std::cout << writer.value(value).take_text() << "\n";
}

std::string text_of(const json::Value& object, std::string_view name) {
  const auto member = object.member(name);
  return member ? std::string(member->string().value_or("")) : std::string();
}

std::string joined(const json::Value& object, std::string_view name) {
  std::string all;
  const auto member = object.member(name);
  for (const json::Value& element : member ? member->elements() : std::vector<json::Value>()) {
    all += (all.empty() ? "" : ", ") + std::string(element.string().value_or(""));
  }
  return all;
}

}  // namespace dske::hub
