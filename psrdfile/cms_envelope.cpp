#include "psrdfile/cms_envelope.h"

#include <limits>
#include <memory>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace dske {
namespace {

constexpr int kRsaBitsLeast = 2048;

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Cms = std::unique_ptr<CMS_ContentInfo, Freer<CMS_ContentInfo_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using X509Certificate = std::unique_ptr<X509, Freer<X509_free>>;

// OpenSSL's own last reason; its queue is empty afterwards.
std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "OpenSSL refused";
}

Bio reading(ByteView bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// An encrypted key asks for no passphrase on the terminal: it is an error.
int no_passphrase(char* /*text*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

Result<X509Certificate> parse_certificate(const RecipientCertificate& recipient) {
  const Bio bio = reading(recipient.pem);
  X509Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return invalid("the recipient is no certificate in PEM");
  if (X509_cmp_current_time(X509_get0_notBefore(certificate.get())) >= 0) {
    return invalid("the recipient's certificate is not valid yet");
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) <= 0) {
    return invalid("the recipient's certificate is no longer valid");
  }
  const EVP_PKEY* const key = X509_get0_pubkey(certificate.get());
  if (key == nullptr) return invalid("the recipient's certificate has a key of an unknown kind");
  if (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) < kRsaBitsLeast) {
    return invalid("the recipient's RSA key has fewer than " + std::to_string(kRsaBitsLeast) + " bits");
  }
  return certificate;
}

// What OpenSSL would choose by default is older: PKCS #1 v1.5, and SHA-1 for the key agreement.
bool choose_algorithms(CMS_RecipientInfo* recipient) {
  EVP_PKEY_CTX* const context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
  switch (CMS_RecipientInfo_type(recipient)) {
    case CMS_RECIPINFO_TRANS:
      return context != nullptr && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
    case CMS_RECIPINFO_AGREE:
      return context != nullptr && EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) == 1;
    default:
      return true;  // a kind that came later than these rules
  }
}

}  // namespace

Result<Bytes> seal_in_cms(const RecipientCertificate& recipient, ByteView secret) {
  const auto certificate = parse_certificate(recipient);
  if (!certificate) return certificate.error();
  constexpr unsigned kFlags = CMS_BINARY | CMS_PARTIAL;
  const Cms cms(CMS_encrypt(nullptr, nullptr, EVP_aes_256_gcm(), kFlags));
  CMS_RecipientInfo* const added =
      cms != nullptr ? CMS_add1_recipient_cert(cms.get(), certificate->get(), kFlags | CMS_KEY_PARAM)
                     : nullptr;
  const Bio plaintext = reading(secret);
  if (added == nullptr || !choose_algorithms(added) || plaintext == nullptr ||
      CMS_final(cms.get(), plaintext.get(), nullptr, kFlags) != 1) {
    return invalid("nothing can be encrypted to the recipient's certificate: " + openssl_reason());
  }
  const int size = i2d_CMS_ContentInfo(cms.get(), nullptr);
  if (size <= 0) return Error{ErrorKind::internal, "cannot write the CMS envelope: " + openssl_reason()};
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* end = der.data();
  i2d_CMS_ContentInfo(cms.get(), &end);
  return der;
}

Result<SecretBytes> open_cms(const RecipientKey& identity, ByteView der, std::size_t most_bytes) {
  const Bio pem = reading(identity.pem.view());
  const Key key(PEM_read_bio_PrivateKey(pem.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) return invalid("the recipient's key is no private key in PEM without a passphrase");
  const unsigned char* end = der.data();
  const Cms cms(d2i_CMS_ContentInfo(nullptr, &end, static_cast<long>(der.size())));
  ERR_clear_error();
  if (cms == nullptr || end != der.data() + der.size() ||
      OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_id_smime_ct_authEnvelopedData) {
    return Error{ErrorKind::corrupt, "its CMS envelope is damaged"};
  }
  const bool for_key = CMS_decrypt_set1_pkey(cms.get(), key.get(), nullptr) == 1;
  const Bio plaintext(BIO_new(BIO_s_mem()));
  const bool opened = for_key && plaintext != nullptr &&
                      CMS_decrypt(cms.get(), nullptr, nullptr, nullptr, plaintext.get(), CMS_BINARY) == 1;
  ERR_clear_error();
  if (!opened)
    return Error{ErrorKind::unauthenticated, "it is not encrypted for this private key, or damaged"};
  char* text = nullptr;
  const long size = BIO_get_mem_data(plaintext.get(), &text);
  if (size < 0 || static_cast<std::size_t>(size) > most_bytes) {
    return Error{ErrorKind::corrupt, "its CMS envelope holds too much"};
  }
  return SecretBytes::copy_of(std::string_view(text, static_cast<std::size_t>(size)));
}

}  // namespace dske
