#include "dske/secret_tag.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/secret.h"

namespace dske {
namespace {

constexpr std::size_t kBlock = Gf128::kSize;

// A step with the block `first || second || zeros`; together they have at most 16 bytes.
void step_padded(Gf128Horner& horner, ByteView first, ByteView second) {
  std::array<std::uint8_t, kBlock> block{};
  if (!first.empty()) std::memcpy(block.data(), first.data(), first.size());
  if (!second.empty()) std::memcpy(block.data() + first.size(), second.data(), second.size());
  horner.step(Gf128::from_bytes(block));
  wipe(block);
}

// f(a, context || secret), from the highest power of a down, so through the message from its end to its
// start. The blocks are read where they lie; only the one across the border of the two parts and the last one
// are put together.
Gf128 tag_polynomial(Gf128 a, ByteView context, ByteView secret, ClmulPath path) {
  const std::size_t size = context.size() + secret.size();
  const std::size_t message_blocks = (size + kBlock - 1) / kBlock;

  const ByteView context_tail = context.last(context.size() % kBlock);
  const std::size_t to_fill = context_tail.empty() ? 0 : kBlock - context_tail.size();
  const ByteView secret_head = secret.first(std::min(to_fill, secret.size()));
  const ByteView secret_rest = secret.subspan(secret_head.size());
  const ByteView secret_tail = secret_rest.last(secret_rest.size() % kBlock);

  Gf128Horner horner(a, path);
  horner.step(Gf128::one());                                 // a^(d+2)
  horner.step({});                                           // a^(d+1)
  horner.step({.low = std::uint64_t{size} * 8, .high = 0});  // m_d: the length
  if (message_blocks % 2 == 1) horner.step({});              // so that d is odd
  if (!secret_tail.empty()) step_padded(horner, secret_tail, {});
  horner.steps_backwards(secret_rest.first(secret_rest.size() - secret_tail.size()));
  if (!context_tail.empty()) step_padded(horner, context_tail, secret_head);
  horner.steps_backwards(context.first(context.size() - context_tail.size()));
  horner.step({});  // there is no m_0
  return horner.value();
}

}  // namespace

SecretTag secret_tag(ByteView u, ByteView context, ByteView secret, ClmulPath path) {
  if (u.size() != kSecretTagRandomSize) std::abort();
  const Gf128 a = Gf128::from_bytes(u.first<kBlock>());
  const Gf128 b = Gf128::from_bytes(u.last<kBlock>());
  return (b ^ tag_polynomial(a, context, secret, path)).to_bytes();
}

bool verify_secret_tag(ByteView u, ByteView context, ByteView secret, const SecretTag& tag, ClmulPath path) {
  return constant_time_equal(secret_tag(u, context, secret, path), tag);
}

}  // namespace dske
