#include "bench/encryptor.h"

#include <algorithm>

#include "base/json.h"
#include "etsi014/reader.h"
#include "manager/pki.h"

namespace dske::bench {

http::Call Encryptor::call(const std::string& method, const std::string& target) const {
  http::Call call;
  call.method = method;
  call.url = kme.url + target;
  call.tls = tls;
  call.timeout = std::chrono::seconds(60);
  return call;
}

Result<manager::Network> open_network(const std::string& topology_file) {
  auto topology = manager::read_topology(topology_file);
  if (!topology) return topology.error();
  return manager::Network::open(std::move(*topology));
}

Result<Encryptor> find_encryptor(const manager::Network& network, const std::string& sae_text) {
  auto sae = SaeId::parse(sae_text);
  if (!sae) return sae.error();
  const manager::ClientSpec* spec = network.topology().client_of_sae(sae_text);
  if (spec == nullptr)
    return Error{ErrorKind::not_found, "no client of the topology serves the SAE " + sae_text};
  const manager::Pki pki(network.pki_directory());
  auto tls = std::make_shared<http::TlsClientConfig>();
  tls->certificate_file = pki.certificate_file(manager::CertificateKind::sae, sae_text);
  tls->key_file = pki.key_file(manager::CertificateKind::sae, sae_text);
  tls->ca_file = pki.ca_file();
  return Encryptor{*network.find(manager::NodeKind::client, spec->name.text()), std::move(*sae),
                   std::move(tls)};
}

Result<std::vector<etsi014::Key>> keys_of(const Result<http::Answer>& answer, std::size_t number) {
  if (!answer) return answer.error();
  if (answer->status != 200) {
    return Error{ErrorKind::unavailable, "answered " + std::to_string(answer->status) + ": " +
                                             std::string(answer->body.text().substr(0, 300))};
  }
  auto keys = etsi014::read_key_container(answer->body.text());
  if (keys && keys->size() != number)
    return Error{ErrorKind::internal, "another number of keys than asked for"};
  return keys;
}

SecretBytes key_ids_body(const std::vector<etsi014::Key>& keys) {
  json::Writer writer;
  writer.begin_object().name("key_IDs").begin_array();
  for (const etsi014::Key& key : keys)
    writer.begin_object().name("key_ID").string(key.id.text()).end_object();
  writer.end_array().end_object();
  return writer.take();
}

bool same_keys(const std::vector<etsi014::Key>& a, const std::vector<etsi014::Key>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.id == other.id && constant_time_equal(one.value.view(), other.value.view());
  });
}

}  // namespace dske::bench
