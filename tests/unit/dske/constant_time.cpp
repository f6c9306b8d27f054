// Runs the protocol's mathematics under valgrind with every secret byte marked as undefined. Memcheck then
// reports each branch and each memory address that depends on one (the method of Langley's ctgrind). Valgrind
// has no GFNI, so that path, which has no branches of its own but on sizes, is not covered.
//
// "constant_time leak" branches on a secret on purpose: it must be reported, else the test tests nothing.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <valgrind/memcheck.h>

#include "base/random.h"
#include "dske/gf128.h"
#include "dske/gf256.h"
#include "dske/one_time_mac.h"
#include "dske/one_time_pad.h"
#include "dske/secret_sharing.h"
#include "dske/secret_tag.h"
#include "dske/share_decoding.h"

namespace dske {
namespace {

void classify(MutableByteView bytes) {
  VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size());
}

// A result that is public by the protocol, such as whether a tag is right.
bool declassify(bool value) {
  VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
  return value;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(2);
}

class SecretRandomness final : public Randomness {
 public:
  void fill(MutableByteView bytes) override {
    for (std::uint8_t& byte : bytes) {
      state_ = state_ * 69069 + 1;
      byte = static_cast<std::uint8_t>(state_ >> 16);
    }
    classify(bytes);
  }

 private:
  std::uint32_t state_ = 1;
};

void leak(Randomness& randomness) {
  const SecretBytes secret = randomness.bytes(1);
  if (secret.data()[0] == 7) std::puts("the secret is seven");
}

void scalars(Randomness& randomness) {
  const SecretBytes secret = randomness.bytes(2);
  SecretBytes results(2);
  results.data()[0] = gf256::multiply(secret.data()[0], secret.data()[1]);
  results.data()[1] = gf256::inverse(secret.data()[0]);
}

void sharing(Randomness& randomness, GfPath path) {
  const SecretBytes secret = randomness.bytes(4096 + 77);
  const auto shares = split(secret.view(), 3, 5, randomness, path);
  require(shares.has_value(), "split");
  const SharePoint points[] = {{5, (*shares)[4].view()}, {1, (*shares)[0].view()}, {3, (*shares)[2].view()}};
  const auto recovered = recover(points, path);
  require(recovered && declassify(constant_time_equal(recovered->view(), secret.view())), "recover");
  const auto checked = recover_checked(points, 3, 5, [&](ByteView candidate) {
    return declassify(constant_time_equal(candidate, secret.view()));
  });
  require(checked.has_value(), "recover_checked");
}

void tagging(Randomness& randomness, ClmulPath path) {
  const SecretBytes u = randomness.bytes(kSecretTagRandomSize);
  const SecretBytes secret = randomness.bytes(555);
  const SecretTag tag = secret_tag(u.view(), as_bytes("a context"), secret.view(), path);
  require(declassify(verify_secret_tag(u.view(), as_bytes("a context"), secret.view(), tag, path)), "tag");
}

void one_time(Randomness& randomness) {
  const SecretBytes key = randomness.bytes(kOneTimeMacKeySize);
  SecretBytes text = randomness.bytes(1000);
  const SecretBytes pad = randomness.bytes(1000);
  apply_pad(text.span(), pad.view());
  std::array<MacTag, 2> tags;
  for (MacTag& tag : tags) {
    OneTimeMac mac(key.view());
    mac.update_item(text.view());
    tag = mac.finish();
  }
  require(declassify(constant_time_equal(tags[0], tags[1])), "MAC");
}

void run_all(Randomness& randomness) {
  scalars(randomness);
  for (const GfPath path : {GfPath::portable, GfPath::avx2, GfPath::gfni}) {
    if (is_supported(path)) sharing(randomness, path);
  }
  for (const ClmulPath path : {ClmulPath::portable, ClmulPath::pclmul}) {
    if (is_supported(path)) tagging(randomness, path);
  }
  one_time(randomness);
}

}  // namespace
}  // namespace dske

int main(int count, char** arguments) {
  dske::SecretRandomness randomness;
  if (count > 1 && std::string_view(arguments[1]) == "leak") {
    dske::leak(randomness);
  } else {
    dske::run_all(randomness);
  }
  return 0;
}
