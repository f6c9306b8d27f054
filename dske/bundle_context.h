// What a bundle is: the part of it that is not secret, fixed by its initiator and covered by the secret tag
// (docs/protocol.md, sections 3.1 and 3.2).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/names.h"
#include "base/random.h"

namespace dske {

/// The id of a bundle: a random version 4 UUID whose last two bytes are zero.
class BundleId {
 public:
  BundleId() = default;
  [[nodiscard]] static BundleId random(Randomness& randomness);
  /// The bundle that a key belongs to.
  [[nodiscard]] static BundleId of(const KeyId& key_id);
  /// Refuses a UUID whose last two bytes are not zero.
  [[nodiscard]] static Result<BundleId> parse(std::string_view text);

  [[nodiscard]] KeyId key_id(std::uint16_t index) const;
  [[nodiscard]] static std::uint16_t index_of(const KeyId& key_id);
  [[nodiscard]] const Uuid& uuid() const { return uuid_; }
  [[nodiscard]] std::string text() const { return uuid_.text(); }

  auto operator<=>(const BundleId&) const = default;

 private:
  explicit BundleId(const Uuid& uuid) : uuid_(uuid) {}
  Uuid uuid_;
};

/// How a hub or responder knows a bundle: another client cannot squat an id.
struct BundleName {
  ClientName initiator;
  BundleId id;
  auto operator<=>(const BundleName&) const = default;
};

/// A slave SAE and the client that serves it.
struct Slave {
  SaeId sae_id;
  ClientName client;
  bool operator==(const Slave&) const = default;
};

struct BundleContext {
  static constexpr std::uint32_t kKeysMost = 65536;  ///< a key's index has 16 bits
  static constexpr std::uint32_t kKeyBytesMost = 1 << 20;
  static constexpr std::uint64_t kSecretBytesMost = std::uint64_t{16}
                                                    << 20;  ///< all keys of a bundle together
  static constexpr std::size_t kSlavesMost = 256;
  static constexpr std::size_t kHubsMost = 255;  ///< x coordinates of GF(2^8)
  static constexpr std::size_t kSharesRequiredLeast = 2;

  BundleId id;
  ClientName initiator;
  std::uint32_t key_count = 0;
  std::uint32_t key_size_bytes = 0;
  SaeId master;
  std::vector<Slave> slaves;
  std::uint8_t shares_required = 0;  ///< k
  std::vector<HubId> hubs;           ///< a share's x is its hub's position here, counted from 1

  [[nodiscard]] BundleName name() const { return {initiator, id}; }
  /// The size of Y = u || S, and so of every share, in bytes.
  [[nodiscard]] std::uint64_t share_bytes() const;
  /// The hub's x, if it is in the list.
  [[nodiscard]] std::optional<std::uint8_t> x_of(const HubId& hub) const;
  [[nodiscard]] bool names_client(const ClientName& client) const;
  [[nodiscard]] bool names_slave(const SaeId& sae_id) const;

  /// The bytes that the secret tag covers; equal contexts have equal bytes and the reverse.
  [[nodiscard]] Bytes encode() const;
  /// The reverse of encode(); refuses what encode() would not make.
  [[nodiscard]] static Result<BundleContext> decode(ByteView bytes);

  void write(json::Writer& writer) const;
  [[nodiscard]] static Result<BundleContext> read(json::Value value);

  /// Counts within their limits, k between 2 and n, no hub and no slave twice, the master no slave unless it
  /// is the only one.
  [[nodiscard]] Result<void> check() const;

  bool operator==(const BundleContext&) const = default;
};

}  // namespace dske
