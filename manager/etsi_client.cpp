#include "manager/etsi_client.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

#include "base/json.h"
#include "base/names.h"
#include "etsi014/sae_path.h"
#include "http/client.h"
#include "manager/console.h"
#include "manager/pki.h"
#include "manager/pretty_json.h"

namespace dske::manager {
namespace {

constexpr std::chrono::milliseconds kTimeout{30000};
constexpr std::size_t kAnswerBytesMost = std::size_t{64} << 20;
constexpr std::size_t kKeysMost = 1 << 20;
constexpr std::size_t kKeyBytesMost = std::size_t{1} << 20;

// Not through stdio, whose buffers are not wiped.
void print_secret(const SecretBytes& text) {
  ByteView left = text.view();
  while (!left.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
    if (written <= 0) return;
    left = left.subspan(static_cast<std::size_t>(written));
  }
}

// An SAE ID or key ID in the messages; ' and \ in it could mislead about where it ends.
std::string shown(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

struct DeliveredKey {
  std::string id;
  SecretBytes value;
};

Result<std::vector<DeliveredKey>> read_keys(const SecretBytes& body) {
  auto document = json::Document::parse(body.text());
  if (!document) return document.error().within("key container");
  json::ObjectReader reader(document->root(), "key container");
  std::vector<DeliveredKey> keys;
  for (const json::Value& element : reader.array("keys", kKeysMost)) {
    json::ObjectReader key(element, "key");
    DeliveredKey delivered{std::string(key.string("key_ID", Uuid::kTextLength)),
                           key.base64("key", 1, kKeyBytesMost)};
    if (auto error = key.finish(json::UnknownMembers::ignore)) return *error;
    keys.push_back(std::move(delivered));
  }
  if (auto error = reader.finish(json::UnknownMembers::ignore)) return *error;
  return keys;
}

// A call as one SAE at its own KME.
class SaeClient {
 public:
  static Result<SaeClient> open(const Network& network, const std::string& sae) {
    const ClientSpec* const spec = network.topology().client_of_sae(sae);
    if (spec == nullptr) {
      std::string known;
      for (const ClientSpec& client : network.topology().clients) {
        for (const SaeId& id : client.encryptors) known += (known.empty() ? "" : ", ") + id.text();
      }
      return Error{ErrorKind::not_found, "no client of " + network.topology().file.string() +
                                             " serves the SAE " + shown(sae) + "; the SAEs are " + known};
    }
    return SaeClient(network, sae, *network.find(NodeKind::client, spec->name.text()));
  }

  [[nodiscard]] const Node& kme() const { return kme_; }

  // Prints URL and answer (not the body, whose key IDs have been told); an error unless the status is 200.
  Result<SecretBytes> call(const std::string& method, const std::string& target, const std::string& body) {
    http::Call call;
    call.method = method;
    call.url = kme_.url + target;
    call.timeout = kTimeout;
    call.most_answer_bytes = kAnswerBytesMost;
    call.tls = tls_;
    if (!body.empty()) {
      call.content_type = "application/json";
      call.body = SecretBytes::copy_of(body);
    }
    say("url=" + shown(call.url));
    auto answer = client_->send(call);
    if (!answer) return answer.error().within("no answer from client " + kme_.name);
    say("response=" + std::to_string(answer->status));
    const auto document = json::Document::parse(answer->body.text());
    std::string message;
    if (document) {
      print_secret(pretty_json(document->root()));
      const auto given = document->root().member("message");
      if (given && given->string()) message = ": " + std::string(*given->string());
    } else {
      print_secret(answer->body);
    }
    if (answer->status != 200) {
      return Error{ErrorKind::unavailable,
                   "client " + kme_.name + " answered " + std::to_string(answer->status) + message};
    }
    return std::move(answer->body);
  }

 private:
  SaeClient(const Network& network, const std::string& sae, Node kme)
      : kme_(std::move(kme)), client_(std::make_unique<http::BlockingClient>()) {
    const Pki pki(network.pki_directory());
    auto tls = std::make_shared<http::TlsClientConfig>();
    tls->certificate_file = pki.certificate_file(CertificateKind::sae, sae);
    tls->key_file = pki.key_file(CertificateKind::sae, sae);
    tls->ca_file = pki.ca_file();
    tls_ = std::move(tls);
  }

  Node kme_;
  std::shared_ptr<const http::TlsClientConfig> tls_;
  std::unique_ptr<http::BlockingClient> client_;
};

void announce(const char* api, const SaeClient& client, const EtsiRequest& request,
              const std::vector<std::string>& key_ids = {}) {
  say(fmt::format("Invoke ETSI QKD {} API for client {} on port {}", api, client.kme().name,
                  client.kme().port));
  std::string line =
      "master_sae_id=" + shown(request.master_sae) + " slave_sae_id=" + shown(request.slave_sae);
  for (const std::string& id : key_ids) line += " " + id;
  say(line);
}

Result<std::string> path_to(const std::string& sae, etsi014::Resource resource) {
  auto id = SaeId::parse(sae);
  if (!id) return id.error();
  return etsi014::sae_path(*id, resource);
}

Result<void> get_status(const Network& network, const EtsiRequest& request) {
  auto client = SaeClient::open(network, request.master_sae);
  if (!client) return client.error();
  auto path = path_to(request.slave_sae, etsi014::Resource::status);
  if (!path) return path.error();
  announce("Status", *client, request);
  auto body = client->call("GET", *path, {});
  if (!body) return body.error();
  return {};
}

Result<std::vector<DeliveredKey>> get_key(const Network& network, const EtsiRequest& request) {
  auto client = SaeClient::open(network, request.master_sae);
  if (!client) return client.error();
  auto target = path_to(request.slave_sae, etsi014::Resource::enc_keys);
  if (!target) return target.error();
  if (request.number) *target += fmt::format("?number={}", *request.number);
  if (request.size_bits) *target += fmt::format("{}size={}", request.number ? "&" : "?", *request.size_bits);
  announce("Get Key", *client, request);
  auto body = client->call("GET", *target, {});
  if (!body) return body.error();
  return read_keys(*body);
}

// One key by GET, several by POST: the standard's GET takes one key_ID.
Result<std::vector<DeliveredKey>> get_key_with_key_ids(const Network& network, const EtsiRequest& request,
                                                       const std::vector<std::string>& ids) {
  auto client = SaeClient::open(network, request.slave_sae);
  if (!client) return client.error();
  auto target = path_to(request.master_sae, etsi014::Resource::dec_keys);
  if (!target) return target.error();
  for (const std::string& id : ids) {
    if (auto parsed = KeyId::parse(id); !parsed) return parsed.error().within("the key ID " + shown(id));
  }
  announce("Get Key with Key IDs", *client, request, ids);
  std::string body;
  if (ids.size() == 1) {
    *target += "?key_ID=" + ids.front();
  } else {
    json::Writer writer;
    writer.begin_object().name("key_IDs").begin_array();
    for (const std::string& id : ids) writer.begin_object().name("key_ID").string(id).end_object();
    writer.end_array().end_object();
    body = writer.take_text();
  }
  auto answer = client->call(body.empty() ? "GET" : "POST", *target, body);
  if (!answer) return answer.error();
  return read_keys(*answer);
}

// Whether the slave got each of the master's keys, in whatever order.
bool is_same_keys(const std::vector<DeliveredKey>& master, const std::vector<DeliveredKey>& slave) {
  const auto has_slave = [&](const DeliveredKey& key) {
    return std::any_of(slave.begin(), slave.end(), [&](const DeliveredKey& other) {
      return other.id == key.id && constant_time_equal(other.value.view(), key.value.view());
    });
  };
  return master.size() == slave.size() && std::all_of(master.begin(), master.end(), has_slave);
}

Result<void> get_key_pair(const Network& network, const EtsiRequest& request) {
  auto master_keys = get_key(network, request);
  if (!master_keys) return master_keys.error();
  std::vector<std::string> ids;
  for (const DeliveredKey& key : *master_keys) ids.push_back(key.id);
  if (ids.empty()) return Error{ErrorKind::internal, "the answer holds no key"};
  auto slave_keys = get_key_with_key_ids(network, request, ids);
  if (!slave_keys) return slave_keys.error();
  if (!is_same_keys(*master_keys, *slave_keys)) {
    say("Key values do not match");
    return Error{ErrorKind::corrupt, "the master and the slave got different keys"};
  }
  say("Key values match");
  return {};
}

template <class T>
Result<void> without_value(const Result<T>& result) {
  if (!result) return result.error();
  return {};
}

}  // namespace

Result<void> run_etsi_request(const Network& network, const EtsiRequest& request) {
  switch (request.operation) {
    case EtsiOperation::get_status:
      return get_status(network, request);
    case EtsiOperation::get_key:
      return without_value(get_key(network, request));
    case EtsiOperation::get_key_with_key_ids:
      return without_value(get_key_with_key_ids(network, request, request.key_ids));
    case EtsiOperation::get_key_pair:
      return get_key_pair(network, request);
  }
  return {};
}

}  // namespace dske::manager
