#include "psrdfile/sealed_file.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "psrdfile/cms_envelope.h"
#include "psrdfile/memory_stream.h"
#include "psrdfile/recipients.h"
#include "vectors.h"

namespace dske::test {
namespace {

const std::string kP256 = "ec -pkeyopt ec_paramgen_curve:P-256";

// A certificate of the year 2000, and one of the year 2100.
const std::string kPast =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBCzCBsaADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBHBhc3QwHhcN\n"
    "MDAwMTAxMDAwMDAwWhcNMDEwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDDARwYXN0MFkw\n"
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVOI0/l2+59g52/CheTU+JZohV7ZOIVHp\n"
    "lAqpCodrIC6qjZmQiGQQJPYMq4AlrNuFtebJ+Uk+09BkS3/WsuJw/DAKBggqhkjO\n"
    "PQQDAgNJADBGAiEA0jdGMQl3w4qqDF71TlydU724QRRXR6eOFHMzxOw08CcCIQCw\n"
    "L+tPNUQioVgD0+KR4yw9TSyE0uUWz3XsUoFq8irGOA==\n"
    "-----END CERTIFICATE-----\n";
const std::string kFuture =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBDzCBtaADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBHBhc3QwIhgP\n"
    "MjEwMDAxMDEwMDAwMDBaGA8yMTAxMDEwMTAwMDAwMFowDzENMAsGA1UEAwwEcGFz\n"
    "dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFTiNP5dvufYOdvwoXk1PiWaIVe2\n"
    "TiFR6ZQKqQqHayAuqo2ZkIhkECT2DKuAJazbhbXmyflJPtPQZEt/1rLicPwwCgYI\n"
    "KoZIzj0EAwIDSQAwRgIhAOINyHsaZwwdZfUyuAYmuIfPcsHLd0fpFQz5fZjKH1kf\n"
    "AiEA/OUpB6HejSZBQdH4fotC6/UgPyT+Ea4NP583HM5yo8k=\n"
    "-----END CERTIFICATE-----\n";

Passphrase passphrase(std::string_view text) {
  return Passphrase{SecretBytes::copy_of(text)};
}

Result<Bytes> seal(const Recipient& recipient, const Bytes& contents) {
  Taken taken;
  SystemRandomness randomness;
  auto sink = seal_for(recipient, std::make_unique<MemorySink>(taken), randomness);
  if (!sink) return sink.error();
  REQUIRE((*sink)->write(contents).has_value());
  REQUIRE((*sink)->finish().has_value());
  return taken.bytes;
}

Result<Bytes> open(const RecipientIdentity& identity, Bytes file) {
  auto source = open_sealed(identity, std::make_unique<MemorySource>(std::move(file), 1000));
  if (!source) return source.error();
  return read_all(**source);
}

void check_error(const Result<Bytes>& result, ErrorKind kind, const std::string& part) {
  REQUIRE_FALSE(result.has_value());
  CAPTURE(result.error().message);
  CHECK(result.error().kind == kind);
  CHECK(result.error().message.find(part) != std::string::npos);
}

TEST_CASE("files that another program made by a passphrase are opened, and wrong ones are not") {
  for (const auto& vector : read_vectors("psrdfile/sealed_by_passphrase.vec")) {
    CAPTURE(vector.where());
    const auto contents =
        open(Passphrase{SecretBytes::copy_of(vector.bytes("Passphrase"))}, vector.bytes("File"));
    REQUIRE(contents.has_value() == vector.valid());
    if (vector.valid())
      CHECK((*contents == (vector.text("Contents").empty() ? Bytes() : vector.bytes("Contents"))));
  }
}

TEST_CASE("a file encrypted by a passphrase opens by it alone") {
  const Bytes contents = some_bytes(100000);
  const auto file = seal(passphrase("correct horse battery"), contents);
  REQUIRE(file.has_value());
  CHECK(as_text(*file).starts_with(kSealedMagic));
  const auto opened = open(passphrase("correct horse battery"), *file);
  REQUIRE(opened.has_value());
  CHECK((*opened == contents));
  check_error(open(passphrase("correct horse batterz"), *file), ErrorKind::unauthenticated,
              "the passphrase is not");
  const auto other = seal(passphrase("correct horse battery"), contents);
  REQUIRE(other.has_value());
  CHECK((*file != *other));
}

TEST_CASE("a short passphrase is refused before anything is written") {
  check_error(seal(passphrase("fifteen letters"), {}), ErrorKind::invalid, "openssl rand -base64 32");
}

TEST_CASE("a file encrypted to a certificate opens with its key alone, be it RSA or EC") {
  const Recipients made;
  const Bytes contents = some_bytes(70000);
  for (const std::string& kind :
       {std::string("rsa:2048"), kP256, std::string("ec -pkeyopt ec_paramgen_curve:P-521")}) {
    CAPTURE(kind);
    made.make("carol", kind);
    made.make("celia", kind);
    const auto file = seal(made.certificate("carol"), contents);
    REQUIRE(file.has_value());
    const auto opened = open(made.key("carol"), *file);
    REQUIRE(opened.has_value());
    CHECK((*opened == contents));
    check_error(open(made.key("celia"), *file), ErrorKind::unauthenticated,
                "not encrypted for this private key");
  }
}

TEST_CASE("a passphrase does not open what is for a key, nor the reverse") {
  const Recipients made;
  made.make("carol", kP256);
  const auto for_key = seal(made.certificate("carol"), {});
  const auto by_passphrase = seal(passphrase("correct horse battery"), {});
  REQUIRE(for_key.has_value());
  REQUIRE(by_passphrase.has_value());
  check_error(open(passphrase("correct horse battery"), *for_key), ErrorKind::unauthenticated,
              "for a private key, not by a passphrase");
  check_error(open(made.key("carol"), *by_passphrase), ErrorKind::unauthenticated,
              "by a passphrase, not for a private key");
}

TEST_CASE("certificates that cannot be a recipient's are refused") {
  const Recipients made;
  made.make("weak", "rsa:1024");
  made.make("signer", "ed25519");
  check_error(seal(made.certificate("weak"), {}), ErrorKind::invalid, "fewer than 2048 bits");
  check_error(seal(RecipientCertificate{{kPast.begin(), kPast.end()}}, {}), ErrorKind::invalid,
              "no longer valid");
  check_error(seal(RecipientCertificate{{kFuture.begin(), kFuture.end()}}, {}), ErrorKind::invalid,
              "not valid yet");
  check_error(seal(made.certificate("signer"), {}), ErrorKind::invalid, "nothing can be encrypted to");
  check_error(seal(RecipientCertificate{{'x'}}, {}), ErrorKind::invalid, "no certificate in PEM");
  check_error(seal(RecipientCertificate{}, {}), ErrorKind::invalid, "no certificate in PEM");
}

TEST_CASE("a private key must be one, without a passphrase of its own") {
  const Recipients made;
  made.make("carol", kP256);
  const auto file = seal(made.certificate("carol"), {});
  REQUIRE(file.has_value());
  check_error(open(RecipientKey{SecretBytes::copy_of("x")}, *file), ErrorKind::invalid,
              "no private key in PEM");
  made.run("openssl pkcs8 -topk8 -in carol.key -out locked.key -passout pass:secret && chmod 600 locked.key");
  check_error(open(made.key("locked"), *file), ErrorKind::invalid, "without a passphrase");
}

TEST_CASE("the envelope is CMS as the openssl command reads and writes it") {
  const Recipients made;
  const SecretBytes secret = SecretBytes::copy_of("0123456789abcdef0123456789abcdef");
  for (const std::string& kind : {std::string("rsa:3072"), kP256}) {
    CAPTURE(kind);
    made.make("carol", kind);
    const auto der = seal_in_cms(made.certificate("carol"), secret.view());
    REQUIRE(der.has_value());
    REQUIRE(write_file_atomically(made.path("ours.der"), *der, 0600).has_value());
    made.run("openssl cms -decrypt -binary -inform DER -in ours.der -inkey carol.key -out opened");
    const auto read = read_file(made.path("opened"), 100);
    REQUIRE(read.has_value());
    CHECK(constant_time_equal(read->view(), secret.view()));
    made.run(
        "openssl cms -cmsout -print -inform DER -in ours.der -out text && grep -q aes-256-gcm text && "
        "grep -qi sha256 text && ! grep -qi sha1 text");

    const std::string options = kind == kP256 ? "" : "-keyopt rsa_padding_mode:oaep";
    made.run(
        "openssl cms -encrypt -binary -aes-256-gcm -outform DER -in opened -out theirs.der -recip "
        "carol.crt " +
        options);
    const auto theirs = read_file(made.path("theirs.der"), 10000);
    REQUIRE(theirs.has_value());
    const auto opened = open_cms(made.key("carol"), theirs->view(), 32);
    REQUIRE(opened.has_value());
    CHECK(constant_time_equal(opened->view(), secret.view()));
    CHECK(open_cms(made.key("carol"), theirs->view(), 31).error().kind == ErrorKind::corrupt);
  }
}

TEST_CASE("an envelope that does not authenticate its contents is refused") {
  const Recipients made;
  made.make("carol", kP256);
  std::ofstream(made.path("plain")) << std::string(32, 'x');
  made.run("openssl cms -encrypt -binary -aes-256-cbc -outform DER -in plain -out cbc.der -recip carol.crt");
  const auto der = read_file(made.path("cbc.der"), 10000);
  REQUIRE(der.has_value());
  const auto opened = open_cms(made.key("carol"), der->view(), 32);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().kind == ErrorKind::corrupt);
}

TEST_CASE("a file that is damaged anywhere in its head, or cut off there, is refused") {
  const Recipients made;
  made.make("carol", kP256);
  const auto file = seal(made.certificate("carol"), some_bytes(10));
  REQUIRE(file.has_value());
  const std::size_t head = file->size() - 10 - 16;
  for (std::size_t at = 0; at < head; ++at) {
    Bytes damaged = *file;
    damaged[at] ^= 1;
    CHECK_FALSE(open(made.key("carol"), damaged).has_value());
    Bytes cut = *file;
    cut.resize(at);
    check_error(open(made.key("carol"), cut), ErrorKind::corrupt, "cut off");
  }
}

TEST_CASE("passphrases and private keys are read from files for their owner alone") {
  const Recipients made;
  const auto path = made.path("passphrase");
  std::ofstream(path) << "correct horse battery\n";
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  const auto read = read_passphrase(path);
  REQUIRE(read.has_value());
  CHECK(read->text.text() == "correct horse battery");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  CHECK(read_passphrase(path).error().message.find("chmod 600") != std::string::npos);
  CHECK(read_private_key(path).error().message.find("chmod 600") != std::string::npos);
  std::ofstream(path) << "\n";
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(read_passphrase(path).error().message.find("is empty") != std::string::npos);
  CHECK(read_passphrase(made.path("nowhere")).error().kind == ErrorKind::not_found);
  CHECK(read_private_key(made.path("nowhere")).error().kind == ErrorKind::not_found);
  CHECK_FALSE(read_certificate(made.path("nowhere")).has_value());
}

}  // namespace
}  // namespace dske::test
