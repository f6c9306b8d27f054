// What is to be said to one other adapter, bounded by what there is to say.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/unique_function.h"
#include "wireguard/messages.h"

namespace dske::wireguard {

/// At most one message of each kind and tunnel: a newer one takes the place of one that still waits, of which
/// nothing more is heard. Not thread-safe.
class Outbox {
 public:
  /// Called with what the other end answered; for all but states that is nothing but that it has the message.
  using Answered = UniqueFunction<void(Result<std::optional<StateMessage>>)>;
  struct Item {
    LinkedMessage message;
    Answered answered;  ///< may be empty
  };

  void put(LinkedMessage message, Answered answered);
  /// Up to `most` messages of one kind; every kind has its turn. Empty if nothing waits.
  [[nodiscard]] std::vector<Item> take_kind(std::size_t most);
  /// Up to `most` messages of any kind.
  [[nodiscard]] std::vector<Item> take_any(std::size_t most);
  void forget(const Link& link);
  [[nodiscard]] bool empty() const;

 private:
  using Waiting = std::map<Link, Item>;
  static void move_from(Waiting& waiting, std::size_t most, std::vector<Item>& into);

  std::array<Waiting, kMessageKinds.size()> kinds_;
  std::size_t turn_ = 0;
};

}  // namespace dske::wireguard
