#include "bench/key_pair_load.h"

#include <fmt/core.h>

#include "bench/answer_reader.h"
#include "etsi014/reader.h"
#include "etsi014/sae_path.h"
#include "manager/pki.h"

namespace dske::bench {
namespace {

std::string key_ids_text(std::string_view container) {
  std::string text = R"({"key_IDs":[)";
  for (const std::string_view id : scan_key_ids(container)) {
    if (text.back() != '[') text += ',';
    text += fmt::format(R"({{"key_ID":"{}"}})", id);
  }
  return text + "]}";
}

}  // namespace

Result<KeyPairLoad> KeyPairLoad::at(const ServerAddress& master_server, const ServerAddress& slave_server,
                                    const Encryptor& master, const Encryptor& slave, const KeyLoad& load) {
  KeyPairLoad pair;
  auto at_master = LoadGenerator::connect(master_server, *master.tls, load.connections);
  if (!at_master) return at_master.error();
  auto at_slave = LoadGenerator::connect(slave_server, *slave.tls, load.connections);
  if (!at_slave) return at_slave.error();
  pair.master_ = std::move(*at_master);
  pair.slave_ = std::move(*at_slave);
  pair.slave_server_ = slave_server;
  std::string target =
      etsi014::sae_path(slave.sae, etsi014::Resource::enc_keys) + "?number=" + std::to_string(load.number);
  if (load.size_bits != 0) target += "&size=" + std::to_string(load.size_bits);
  pair.enc_request_ = request_text(master_server, target);
  pair.dec_target_ = etsi014::sae_path(master.sae, etsi014::Resource::dec_keys);
  pair.number_ = load.number;
  return pair;
}

Result<KeyPairLoad> KeyPairLoad::at_kmes(const Encryptor& master, const Encryptor& slave,
                                         const KeyLoad& load) {
  return at({master.kme.address, master.kme.port}, {slave.kme.address, slave.kme.port}, master, slave, load);
}

Result<KeyPairLoad> KeyPairLoad::at_ceiling(const ConstantServer& server, const Encryptor& master,
                                            const Encryptor& slave, const KeyLoad& load) {
  return at(server.address(), server.address(), master, slave, load);
}

Result<Burst> KeyPairLoad::enc_keys(std::size_t requests) {
  auto burst = master_->run(std::vector<std::string>(requests, enc_request_), number_);
  if (!burst) return with_advice(burst.error().within("enc_keys"));
  return burst;
}

Result<Burst> KeyPairLoad::dec_keys(const std::vector<SecretBytes>& containers) {
  std::vector<std::string> requests;
  requests.reserve(containers.size());
  for (const SecretBytes& container : containers)
    requests.push_back(request_text(slave_server_, dec_target_, key_ids_text(container.text())));
  auto burst = slave_->run(requests, number_);
  if (!burst) return with_advice(burst.error().within("dec_keys"));
  return burst;
}

Result<std::unique_ptr<ConstantServer>> start_ceiling(const manager::Network& network,
                                                      const Encryptor& master, const KeyLoad& load) {
  const manager::Pki pki(network.pki_directory());
  http::TlsServerConfig tls;
  tls.certificate_file = pki.certificate_file(manager::CertificateKind::kme, master.kme.name);
  tls.key_file = pki.key_file(manager::CertificateKind::kme, master.kme.name);
  tls.client_ca_files = {pki.ca_file()};
  tls.client_crl_files = {pki.crl_file()};
  const std::size_t bits =
      load.size_bits != 0 ? load.size_bits : static_cast<std::size_t>(network.topology().key_size_bits);
  return ConstantServer::start(tls, load.number, bits / 8);
}

Result<void> check_same_keys(const std::vector<SecretBytes>& enc, const std::vector<SecretBytes>& dec) {
  for (std::size_t i = 0; i < enc.size(); ++i) {
    const auto at_master = etsi014::read_key_container(enc[i].text());
    if (!at_master) return at_master.error();
    const auto at_slave = etsi014::read_key_container(dec.at(i).text());
    if (!at_slave) return at_slave.error();
    if (!same_keys(*at_master, *at_slave))
      return Error{ErrorKind::corrupt, "the keys at the two ends differ"};
  }
  return {};
}

Error with_advice(const Error& error) {
  if (error.kind != ErrorKind::exhausted) return error;
  return {error.kind,
          error.message +
              "; raise it in both KMEs' kme.yaml, `limits: {requests_per_second_per_sae: 1000000}`, "
              "or use scripts/bench.sh, which makes a network for measuring"};
}

}  // namespace dske::bench
