#include "node/pkcs11_token.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#define CRYPTOKI_GNU 1  // the header's own names, without macros
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "base/random.h"

namespace dske::node {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr unsigned long kAesKeyBytes = 32;
constexpr int kFurtherLooks = 5;
constexpr std::chrono::milliseconds kBetweenLooks{200};

Error token_error(const std::string& doing, ck_rv_t code, ErrorKind kind = ErrorKind::io) {
  return {kind, doing + ": " + p11_kit_strerror(code)};
}

// Text of a fixed size, filled up with spaces.
std::string unpadded(const unsigned char* text, std::size_t size) {
  std::string trimmed(reinterpret_cast<const char*>(text), size);
  trimmed.erase(trimmed.find_last_not_of(std::string(" \0", 2)) + 1);
  return trimmed;
}

template <class T>
ck_attribute attribute(ck_attribute_type_t type, T& value) {
  return {type, &value, sizeof(value)};
}

ck_attribute label_attribute(const std::string& label) {
  return {CKA_LABEL, const_cast<char*>(label.data()), static_cast<unsigned long>(label.size())};
}

// A module that is loaded and initialised.
class Module {
 public:
  static Result<Module> load(const std::filesystem::path& path) {
    ck_function_list* const functions = p11_kit_module_load(path.c_str(), 0);
    if (functions == nullptr) {
      const char* const reason = p11_kit_message();
      return invalid(path.string() +
                     " is no PKCS #11 module: " + (reason != nullptr ? reason : "it cannot be loaded"));
    }
    if (const ck_rv_t code = p11_kit_module_initialize(functions); code != CKR_OK) {
      p11_kit_module_release(functions);
      return token_error("the PKCS #11 module " + path.string() + " does not start", code);
    }
    return Module(functions);
  }
  ~Module() {
    if (functions_ == nullptr) return;
    p11_kit_module_finalize(functions_);
    p11_kit_module_release(functions_);
  }
  Module(Module&& other) noexcept : functions_(std::exchange(other.functions_, nullptr)) {}
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  Module& operator=(Module&& other) noexcept {
    std::swap(functions_, other.functions_);
    return *this;
  }

  ck_function_list* operator->() const { return functions_; }

 private:
  explicit Module(ck_function_list* functions) : functions_(functions) {}
  ck_function_list* functions_;
};

struct Slot {
  ck_slot_id_t id = 0;
  ck_flags_t token_flags = 0;
};

// The one slot whose token has this label.
Result<Slot> find_token(const Module& module, const std::string& label) {
  unsigned long count = 0;
  ck_rv_t code = module->C_GetSlotList(1, nullptr, &count);
  std::vector<ck_slot_id_t> slots(count);
  if (code == CKR_OK && count > 0) code = module->C_GetSlotList(1, slots.data(), &count);
  if (code != CKR_OK) return token_error("cannot list the PKCS #11 tokens", code);
  slots.resize(std::min<std::size_t>(count, slots.size()));
  std::vector<Slot> found;
  for (const ck_slot_id_t slot : slots) {
    ck_token_info info{};
    if (module->C_GetTokenInfo(slot, &info) != CKR_OK) continue;  // it has just been pulled out, for example
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (unpadded(info.label, sizeof(info.label)) == label) found.push_back({slot, info.flags});
  }
  if (found.empty()) {
    return Error{ErrorKind::not_found, "there is no PKCS #11 token " + label + ": is it plugged in?"};
  }
  if (found.size() > 1) return invalid("there are several PKCS #11 tokens " + label);
  return found.front();
}

Error login_error(const std::string& token, ck_rv_t code) {
  const std::string name = "PKCS #11 token " + token;
  switch (code) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_INVALID:
      return {ErrorKind::unauthenticated,
              name + ": the PIN is wrong; it was tried once and is not tried again"};
    case CKR_PIN_LOCKED:
      return {ErrorKind::unauthenticated, name + " is locked: too many wrong PINs were given to it"};
    case CKR_USER_PIN_NOT_INITIALIZED:
      return {ErrorKind::not_found, name + " has no user PIN yet: initialise it first"};
    case CKR_GENERAL_ERROR:
      return token_error(name + " does not let this node in", code, ErrorKind::unavailable);
    default:
      return token_error(name + " does not let this node in", code);
  }
}

bool may_pass(const Error& error) {
  return error.kind == ErrorKind::not_found || error.kind == ErrorKind::unavailable;
}

}  // namespace

struct Pkcs11Token::Session {
  Session(Module loaded, std::string token_label)
      : module(std::move(loaded)), token(std::move(token_label)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (handle == 0) return;
    module->C_Logout(handle);
    module->C_CloseSession(handle);
  }

  Module module;
  std::string token;
  ck_session_handle_t handle = 0;
  ck_object_handle_t key = 0;
};

Pkcs11Token::Pkcs11Token(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Pkcs11Token::~Pkcs11Token() = default;
Pkcs11Token::Pkcs11Token(Pkcs11Token&&) noexcept = default;
Pkcs11Token& Pkcs11Token::operator=(Pkcs11Token&&) noexcept = default;

Result<Pkcs11Token> Pkcs11Token::open(const std::filesystem::path& module, const std::string& label,
                                      ByteView pin, Access access) {
  std::error_code fault;
  if (!std::filesystem::exists(module, fault))
    return Error{ErrorKind::not_found, "there is no PKCS #11 module " + module.string()};
  auto opened = open_once(module, label, pin, access);
  // While another process writes to it, a token of SoftHSM is not shown, or has no PIN, or answers with a
  // general error, until it is loaded anew. None of these answers has used up an attempt at its PIN.
  for (int i = 0; i < kFurtherLooks && !opened && may_pass(opened.error()); ++i) {
    std::this_thread::sleep_for(kBetweenLooks);
    opened = open_once(module, label, pin, access);
  }
  return opened;
}

Result<Pkcs11Token> Pkcs11Token::open_once(const std::filesystem::path& module, const std::string& label,
                                           ByteView pin, Access access) {
  auto loaded = Module::load(module);
  if (!loaded) return loaded.error();
  const auto slot = find_token(*loaded, label);
  if (!slot) return slot.error();
  if ((slot->token_flags & CKF_USER_PIN_LOCKED) != 0) return login_error(label, CKR_PIN_LOCKED);
  // A daemon that is started again and again with a wrong PIN must not use up the token's attempts.
  if ((slot->token_flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY)) != 0) {
    return Error{ErrorKind::unauthenticated,
                 "PKCS #11 token " + label +
                     ": a wrong PIN was given to it, so this node tries none; check the PIN file and log in "
                     "once with its PIN by another program (pkcs11-tool --login)"};
  }
  auto session = std::make_unique<Session>(std::move(*loaded), label);
  const ck_flags_t flags = CKF_SERIAL_SESSION | (access == Access::may_make_key ? CKF_RW_SESSION : 0);
  if (const ck_rv_t code =
          session->module->C_OpenSession(slot->id, flags, nullptr, nullptr, &session->handle);
      code != CKR_OK) {
    session->handle = 0;
    return token_error("PKCS #11 token " + label + " gives no session", code);
  }
  const ck_rv_t code =
      session->module->C_Login(session->handle, CKU_USER, const_cast<unsigned char*>(pin.data()),
                               static_cast<unsigned long>(pin.size()));
  if (code != CKR_OK && code != CKR_USER_ALREADY_LOGGED_IN) return login_error(label, code);
  return Pkcs11Token(std::move(session));
}

Result<bool> Pkcs11Token::has_key(const std::string& label) {
  const Module& module = session_->module;
  const std::string name = "the key " + label + " of PKCS #11 token " + session_->token;
  ck_object_class_t object_class = CKO_SECRET_KEY;
  ck_key_type_t type = CKK_AES;
  std::array<ck_attribute, 3> wanted{attribute(CKA_CLASS, object_class), attribute(CKA_KEY_TYPE, type),
                                     label_attribute(label)};
  std::array<ck_object_handle_t, 2> found{};
  unsigned long count = 0;
  ck_rv_t code = module->C_FindObjectsInit(session_->handle, wanted.data(), wanted.size());
  if (code == CKR_OK) {
    code = module->C_FindObjects(session_->handle, found.data(), found.size(), &count);
    module->C_FindObjectsFinal(session_->handle);
  }
  if (code != CKR_OK) return token_error("cannot look for " + name, code);
  if (count == 0) return false;
  if (count > 1) return invalid("PKCS #11 token " + session_->token + " has several keys " + label);
  unsigned char sensitive = 0;
  unsigned char extractable = 1;
  unsigned long bytes = 0;
  std::array<ck_attribute, 3> known{attribute(CKA_SENSITIVE, sensitive),
                                    attribute(CKA_EXTRACTABLE, extractable), attribute(CKA_VALUE_LEN, bytes)};
  code = module->C_GetAttributeValue(session_->handle, found[0], known.data(), known.size());
  if (code != CKR_OK) return token_error("cannot look at " + name, code);
  if (sensitive == 0 || extractable != 0) {
    return invalid(name + " can leave the token: it must be sensitive and not extractable");
  }
  if (bytes != kAesKeyBytes) return invalid(name + " is not of 256 bits");
  session_->key = found[0];
  return true;
}

Result<void> Pkcs11Token::make_key(const std::string& label) {
  unsigned char yes = 1;
  unsigned char no = 0;
  unsigned long bytes = kAesKeyBytes;
  ck_object_class_t object_class = CKO_SECRET_KEY;
  ck_key_type_t type = CKK_AES;
  std::array<ck_attribute, 12> made{
      attribute(CKA_CLASS, object_class), attribute(CKA_KEY_TYPE, type), label_attribute(label),
      attribute(CKA_VALUE_LEN, bytes),    attribute(CKA_TOKEN, yes),     attribute(CKA_PRIVATE, yes),
      attribute(CKA_SENSITIVE, yes),      attribute(CKA_ENCRYPT, yes),   attribute(CKA_DECRYPT, yes),
      attribute(CKA_EXTRACTABLE, no),     attribute(CKA_WRAP, no),       attribute(CKA_UNWRAP, no)};
  ck_mechanism mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  const ck_rv_t code =
      session_->module->C_GenerateKey(session_->handle, &mechanism, made.data(), made.size(), &session_->key);
  if (code != CKR_OK) {
    session_->key = 0;
    return token_error("cannot make the key " + label + " in PKCS #11 token " + session_->token, code);
  }
  return {};
}

namespace {

ck_gcm_params gcm_params(MutableByteView nonce, ByteView associated) {
  ck_gcm_params params{};
  params.iv_ptr = nonce.data();
  params.iv_len = static_cast<unsigned long>(nonce.size());
  params.iv_bits = params.iv_len * 8;
  params.aad_ptr = const_cast<unsigned char*>(associated.data());
  params.aad_len = static_cast<unsigned long>(associated.size());
  params.tag_bits = kTagBytes * 8;
  return params;
}

}  // namespace

Result<Bytes> Pkcs11Token::seal(ByteView plaintext, ByteView associated) {
  const Module& module = session_->module;
  Bytes sealed(plaintext.size() + kOverheadBytes);
  const MutableByteView nonce = MutableByteView(sealed).first(kNonceBytes);
  SystemRandomness().fill(nonce);
  ck_gcm_params params = gcm_params(nonce, associated);
  ck_mechanism mechanism{CKM_AES_GCM, &params, sizeof(params)};
  unsigned long written = plaintext.size() + kTagBytes;
  ck_rv_t code = module->C_EncryptInit(session_->handle, &mechanism, session_->key);
  if (code == CKR_OK) {
    code = module->C_Encrypt(session_->handle, const_cast<unsigned char*>(plaintext.data()),
                             static_cast<unsigned long>(plaintext.size()), sealed.data() + kNonceBytes,
                             &written);
  }
  if (code != CKR_OK) return token_error("PKCS #11 token " + session_->token + " does not encrypt", code);
  if (written != plaintext.size() + kTagBytes) {
    return Error{ErrorKind::internal, "PKCS #11 token " + session_->token + " encrypted to a wrong length"};
  }
  return sealed;
}

Result<SecretBytes> Pkcs11Token::open_sealed(ByteView sealed, ByteView associated) {
  if (sealed.size() < kOverheadBytes) return Error{ErrorKind::corrupt, "it is cut off"};
  const Module& module = session_->module;
  std::array<std::uint8_t, kNonceBytes> nonce{};
  std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
  const ByteView body = sealed.subspan(kNonceBytes);
  ck_gcm_params params = gcm_params(nonce, associated);
  ck_mechanism mechanism{CKM_AES_GCM, &params, sizeof(params)};
  SecretBytes plaintext(body.size());  // some modules ask for the tag's room too
  unsigned long written = plaintext.size();
  if (const ck_rv_t code = module->C_DecryptInit(session_->handle, &mechanism, session_->key);
      code != CKR_OK) {
    return token_error("PKCS #11 token " + session_->token + " does not decrypt", code);
  }
  // Which code tells a wrong tag differs between makers.
  const ck_rv_t code = module->C_Decrypt(session_->handle, const_cast<unsigned char*>(body.data()),
                                         static_cast<unsigned long>(body.size()), plaintext.data(), &written);
  if (code == CKR_DEVICE_REMOVED || code == CKR_DEVICE_ERROR || code == CKR_HOST_MEMORY) {
    return token_error("PKCS #11 token " + session_->token + " does not decrypt", code);
  }
  if (code != CKR_OK || written != body.size() - kTagBytes) {
    return Error{ErrorKind::corrupt, "it is damaged or was sealed by another key"};
  }
  plaintext.resize(written);
  return plaintext;
}

}  // namespace dske::node
