#include "psrdfile/psrd_checksum.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include <openssl/evp.h>

#include "dske/items.h"
#include "dske/psrd_block.h"
#include "psrdfile/psrd_format.h"

namespace dske {

struct PsrdChecksum::Hash {
  Hash() : context(EVP_MD_CTX_new()) {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) std::abort();
  }
  ~Hash() { EVP_MD_CTX_free(context); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void add(ByteView bytes) const {
    if (EVP_DigestUpdate(context, bytes.data(), bytes.size()) != 1) std::abort();
  }
  void item(ByteView bytes) const {
    add(big_endian(bytes.size()));
    add(bytes);
  }

  EVP_MD_CTX* context;
};

PsrdChecksum::PsrdChecksum(const PsrdHeader& header)
    : hash_(std::make_unique<Hash>()),
      client_half_(header.layout.half_size(Side::client)),
      hub_half_(header.layout.half_size(Side::hub)) {
  hash_->item(as_bytes(kPsrdFormat));
  hash_->item(header.hub_id.uuid().bytes());
  hash_->item(as_bytes(header.hub_name.text()));
  hash_->item(as_bytes(header.endpoint));
  hash_->item(header.client_id.uuid().bytes());
  hash_->item(as_bytes(header.client_name.text()));
  hash_->item(header.block.uuid().bytes());
  for (const Side side : {Side::client, Side::hub}) {
    for (const Zone zone : kZones) hash_->item(big_endian(header.layout.size(side, zone)));
  }
  hash_->add(big_endian(client_half_));
}

PsrdChecksum::~PsrdChecksum() = default;

void PsrdChecksum::add(ByteView data) {
  assert(data.size() <= client_half_ + hub_half_ - added_);
  while (!data.empty()) {
    if (added_ == client_half_) hash_->add(big_endian(hub_half_));
    const std::uint64_t left = added_ < client_half_ ? client_half_ - added_ : data.size();
    const ByteView part = data.first(std::min<std::uint64_t>(left, data.size()));
    hash_->add(part);
    added_ += part.size();
    data = data.subspan(part.size());
  }
}

PsrdChecksum::Digest PsrdChecksum::finish() {
  assert(added_ == client_half_ + hub_half_);
  Digest digest{};
  if (EVP_DigestFinal_ex(hash_->context, digest.data(), nullptr) != 1) std::abort();
  return digest;
}

}  // namespace dske
