#include "bench/pair_network.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <fmt/core.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mutex.h"
#include "manager/management_client.h"
#include "manager/pki.h"

namespace dske::bench {
namespace {

constexpr unsigned kThreads = 8;
constexpr std::uint64_t kHalfBytesMost = std::uint64_t{64} << 20;
constexpr std::uint64_t kHalfBytesLeast = std::uint64_t{1} << 20;
// The nodes' limits per address and SAE are not what is measured: all SAEs of this benchmark have one
// address.
constexpr const char* kLimits =
    "server:\n  handshakes_per_second: 100000\n  handshakes_per_second_per_address: 100000\n"
    "limits:\n  requests_per_second_per_sae: 1000000\n  requests_at_once_per_sae: 10000\n";

SaeId sae(const char* kind, std::uint32_t number) {
  return SaeId::parse(fmt::format("{}-{}", kind, number)).value();
}

std::vector<SaeId> saes(const char* kind, std::uint32_t count) {
  std::vector<SaeId> all;
  for (std::uint32_t i = 0; i < count; ++i) all.push_back(sae(kind, i));
  return all;
}

}  // namespace

Result<std::unique_ptr<PairNetwork>> PairNetwork::make(const std::filesystem::path& directory) {
  std::unique_ptr<PairNetwork> network(new PairNetwork(directory));
  if (auto built = network->build(); !built) return built.error();
  return network;
}

Result<void> PairNetwork::build() {
  if (auto made = make_private_directories(directory_); !made) return made;
  for (const char* name : {"hank", "helen", "hilary"}) {
    const auto node = make_node(manager::NodeKind::hub, name, directory_);
    if (!node) return node.error();
    auto hub = ServedNode::init(*node, node_lines(*node) + "endpoint: " + node->url +
                                           "\nlog_level: warning\nprovisioner:\n  enabled: false\n");
    if (!hub) return hub.error();
    hubs_.push_back(std::move(*hub));
    if (auto started = hubs_.back().start(); !started) return started.error();
  }
  const auto ca = manager::Pki(pki()).init(manager::Pki::MissingList::make_an_empty_one);
  if (!ca) return ca.error();
  for (auto* kme : {&master_kme_, &slave_kme_}) {
    const std::string name = kme == &master_kme_ ? "carol" : "celia";
    const std::vector<SaeId> served = kme == &master_kme_ ? saes("master", 1) : saes("slave", kSlaves);
    const auto node = make_node(manager::NodeKind::client, name, directory_);
    if (!node) return node.error();
    if (auto issued = issue(name, served); !issued) return issued;
    if (auto bound = bind(name, served); !bound) return bound;
    auto made = ServedNode::init(*node, kme_config(*node, served));
    if (!made) return made.error();
    *kme = std::make_unique<ServedNode>(std::move(*made));
  }
  masters_ = 1;
  return {};
}

Result<void> PairNetwork::issue(const std::string& kme, const std::vector<SaeId>& served) const {
  std::vector<manager::Subject> subjects{{manager::CertificateKind::kme, kme, "127.0.0.1"}};
  for (const SaeId& each : served) subjects.push_back({manager::CertificateKind::sae, each.text(), ""});
  const auto issued = manager::Pki(pki()).issue_missing(subjects);
  if (!issued) return issued.error();
  return {};
}

Result<void> PairNetwork::bind(const std::string& kme, const std::vector<SaeId>& served) const {
  for (const ServedNode& hub : hubs_) {
    if (auto put = manager::ManagementClient(hub.node()).put_client(kme, served); !put) return put;
  }
  return {};
}

std::string PairNetwork::kme_config(const manager::Node& node, const std::vector<SaeId>& served) const {
  const manager::Pki files(pki());
  std::string text = node_lines(node) + "log_level: warning\n" + kLimits;
  text += fmt::format("tls:\n  certificate: {}\n  key: {}\n  client_ca: {}\n  client_crl: {}\n",
                      files.certificate_file(manager::CertificateKind::kme, node.name).string(),
                      files.key_file(manager::CertificateKind::kme, node.name).string(),
                      files.ca_file().string(), files.crl_file().string());
  text += "shares_required: 2\nencryptors:\n";
  for (const SaeId& each : served) text += "  - " + each.text() + "\n";
  text += "hubs:\n";
  for (const ServedNode& hub : hubs_)
    text += fmt::format("  - name: {}\n    endpoint: {}\n", hub.node().name, hub.node().url);
  return text;
}

Result<void> PairNetwork::set_masters(std::uint32_t count) {
  const std::vector<SaeId> served = saes("master", count);
  const manager::Node& node = master_kme_->node();
  if (auto issued = issue(node.name, served); !issued) return issued;
  if (auto bound = bind(node.name, served); !bound) return bound;
  masters_ = count;
  return master_kme_->configure(kme_config(node, served));
}

Result<void> PairNetwork::provision(std::uint64_t bundles, std::uint64_t bundle_bytes) {
  // Three messages for each bundle, and twice of all that is needed: a pair's share of PSRD may not be
  // larger than what is left allows.
  const std::uint64_t bytes = std::max(2 * bundles * (bundle_bytes + 3 * 32) * 4 / 3, kHalfBytesLeast);
  for (const ServedNode* kme : {master_kme_.get(), slave_kme_.get()}) {
    for (const ServedNode& hub : hubs_) {
      for (std::uint64_t given = 0; given < bytes;) {
        const std::uint64_t half = std::min(bytes - given, kHalfBytesMost) / 4096 * 4096 + 4096;
        const auto size = static_cast<std::int64_t>(std::min(half, kHalfBytesMost));
        const auto file = manager::ManagementClient(hub.node()).assign_psrd(kme->node().name, {size, size});
        if (!file) return file.error();
        if (auto in = manager::ManagementClient(kme->node()).ingest_psrd(*file); !in) return in;
        given += static_cast<std::uint64_t>(size);
      }
    }
  }
  return {};
}

http::Call PairNetwork::call(const ServedNode& kme, const SaeId& caller, const std::string& method,
                             const SaeId& other, etsi014::Resource resource) const {
  const manager::Pki files(pki());
  const auto tls = std::make_shared<http::TlsClientConfig>();
  tls->certificate_file = files.certificate_file(manager::CertificateKind::sae, caller.text());
  tls->key_file = files.key_file(manager::CertificateKind::sae, caller.text());
  tls->ca_file = files.ca_file();
  return Encryptor{kme.node(), caller, tls}.call(method, etsi014::sae_path(other, resource));
}

http::Call PairNetwork::master_call(const NumberedPair& pair, etsi014::Resource resource) const {
  return call(*master_kme_, sae("master", pair.master), "GET", sae("slave", pair.slave), resource);
}

http::Call PairNetwork::slave_call(const NumberedPair& pair, const std::vector<etsi014::Key>& keys) const {
  http::Call made = call(*slave_kme_, sae("slave", pair.slave), "POST", sae("master", pair.master),
                         etsi014::Resource::dec_keys);
  made.content_type = "application/json";
  made.body = key_ids_body(keys);
  return made;
}

Result<std::uint64_t> PairNetwork::ready_keys() const {
  constexpr std::size_t kTokenBytesMost = 4096;
  const manager::Node& node = master_kme_->node();
  const auto token = read_file(node.token_file(), kTokenBytesMost);
  if (!token) return token.error();
  std::string bearer(token->text());
  while (!bearer.empty() && bearer.back() == '\n') bearer.pop_back();
  http::Call call;
  call.url = node.management_url + "/client/" + node.name + "/mgmt/v1/status";
  call.headers.push_back({"Authorization", "Bearer " + bearer});
  const auto answer = http::BlockingClient().send(call);
  if (!answer) return answer.error();
  const auto document = json::Document::parse(answer->body.text());
  if (!document) return document.error();
  const auto store = document->root().member("key_store");
  const auto ready = store ? store->member("ready_keys") : std::nullopt;
  if (!ready || !ready->integer()) return Error{ErrorKind::internal, "a status without ready_keys"};
  return static_cast<std::uint64_t>(*ready->integer());
}

Result<void> for_each_number(std::uint32_t count, std::uint32_t run,
                             const std::function<Result<void>(http::BlockingClient&, std::uint32_t)>& work) {
  std::atomic<std::uint32_t> next = 0;
  Mutex mutex;
  Result<void> first;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (true) {
        const std::uint32_t begin = next.fetch_add(run);
        if (begin >= count) return;
        http::BlockingClient client;
        for (std::uint32_t number = begin; number < std::min(begin + run, count); ++number) {
          const auto done = work(client, number);
          if (done) continue;
          const MutexLock lock(mutex);
          if (first) first = done;
          next = count;
          return;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return first;
}

}  // namespace dske::bench
