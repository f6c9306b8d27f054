// A hub's side of the protocol, written from docs/protocol.md for the tests: honest, or lying in one chosen
// way. A liar holds its PSRD, so what it says verifies.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "dske/bundle_context.h"
#include "dske/hub_transport.h"
#include "dske/key_share_message.h"
#include "dske/message_authentication.h"
#include "dske/psrd_pool.h"
#include "dske/registration_message.h"
#include "simulated_block.h"
#include "wire_record.h"

namespace dske::test {

enum class Lie {
  none,
  // in what it gives out
  corrupt_share,
  corrupt_secret_tag,
  other_hub_order,  ///< so that its share would lie at another x
  other_k,
  other_slave,
  more_keys,
  other_bundle,   ///< the share of another bundle
  replayed_body,  ///< the first body it ever gave out, signed anew
  no_json,
  wrong_share_size,
  psrd_for_a_share,  ///< names PSRD and sends no share, as an initiator may
  short_lifetime,
  long_lifetime,
  denies,
  // in what it does
  fails,
  refuses_shares,
  claims_saes,  ///< says that every SAE is served by `claimed_client`
  tiny_limits,
  unsigned_refusals,
  silent,
};

class SimulatedHub {
 public:
  /// A share as the hub holds it.
  struct Share {
    BundleContext context;
    SecretTag tag{};
    Bytes bytes;
    MonotonicTime expires;
    std::set<ClientName> claimants;
    std::uint64_t number = 0;  ///< in the order in which they came
  };

  SimulatedHub(const HubName& name, Randomness& randomness, const Clock& clock, WireRecord& record);
  SimulatedHub(const SimulatedHub&) = delete;
  SimulatedHub& operator=(const SimulatedHub&) = delete;

  [[nodiscard]] const HubAddress& address() const { return address_; }
  [[nodiscard]] const HubId& id() const { return address_.id; }
  void bind(const ClientName& client, const SaeId& sae);
  void add_block(const ClientName& client, const BlockId& block, const PsrdLayout& layout, ByteView data);

  /// The answer to a request; nothing if the hub keeps silent. What leaves is put on record.
  [[nodiscard]] std::optional<HubAnswer> handle(const HubRequest& request);

  /// Loses what is in memory only: the record of single used bytes, the epoch, polling keys.
  void restart();
  /// Loses everything but its clients' names; `new_id`: it was made anew.
  void lose_store(bool new_id);
  /// The hub's operator revokes a block.
  void revoke(const ClientName& client, const BlockId& block);
  /// Keeps a copy of what is durable; set_back() restarts the hub with the copy.
  void keep_copy();
  void set_back();

  [[nodiscard]] PsrdPool& pool(const ClientName& client) { return *running_.at(client).pool; }
  [[nodiscard]] std::map<BundleName, Share>& shares() { return durable_.shares; }
  [[nodiscard]] std::uint64_t registration_number(const ClientName& client) {
    return durable_.clients[client].registration_number;
  }

  Lie lie = Lie::none;
  std::optional<ClientName> claimed_client;
  std::optional<BlockId> claims_seen;        ///< of this block it says that it has seen all of it used
  std::size_t shares_from_psrd = 0;          ///< that were posted without a share
  std::size_t refused = 0;                   ///< requests that did not verify
  std::map<std::string, std::size_t> calls;  ///< verified ones, by method and path

 private:
  struct Client {
    std::set<SaeId> sae_ids;
    std::uint64_t registration_number = 0;
    bool left = false;
    std::map<BlockId, SimulatedBlock> blocks;
    std::set<BlockId> listed;
  };
  struct Durable {
    std::map<ClientName, Client> clients;
    std::map<BundleName, Share> shares;
    std::uint64_t last_share = 0;
    [[nodiscard]] Durable copy() const;
  };
  struct Running {
    std::unique_ptr<PsrdPool> pool;
    SecretBytes polling_key;
    std::uint64_t polling_counter = 0;
  };
  struct Plain {
    int status = 200;
    SecretBytes body;
  };

  [[nodiscard]] std::optional<HubAnswer> handle_signed(const HubRequest& request, std::string_view path);
  [[nodiscard]] HubAnswer handle_poll(const HubRequest& request);
  [[nodiscard]] Plain route(const ClientName& caller, const HubRequest& request, std::string_view path);
  [[nodiscard]] Plain registration(const ClientName& caller, std::string_view body);
  [[nodiscard]] Plain leave(const ClientName& caller, std::string_view query);
  [[nodiscard]] Plain sae(const SaeId& sae) const;
  [[nodiscard]] Plain post_share(const ClientName& caller, std::string_view body);
  [[nodiscard]] Plain get_share(const ClientName& caller, std::string_view query);
  [[nodiscard]] Plain withdraw(const ClientName& caller, std::string_view query);
  [[nodiscard]] Plain confirm(const ClientName& caller, std::string_view body);
  void lie_about(KeyShareMessage& message);

  void start();
  [[nodiscard]] std::optional<ClientName> sender(const Allocation& key) const;
  [[nodiscard]] std::optional<ClientName> client_of(const SaeId& sae) const;
  [[nodiscard]] Result<Reserved> allocate(const ClientName& client, Zone zone, std::uint64_t size);
  void settle_floors(const ClientName& client);

  HubAddress address_;
  Randomness& randomness_;
  const Clock& clock_;
  WireRecord& record_;
  Epoch epoch_;
  Durable durable_;
  std::optional<Durable> copy_;
  std::map<ClientName, Running> running_;
  std::optional<std::string> first_body_;
  std::vector<std::pair<ClientName, BlockId>> leaving_;  // blocks to be wiped when the answer is signed
};

}  // namespace dske::test
