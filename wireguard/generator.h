// The generator's role: asks for a key, offers it, and sets it once the other end has.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wireguard/exchange.h"
#include "wireguard/guard.h"

namespace dske::wireguard {

/// Drives a tunnel's keys: it begins an exchange when there is no key, when the ends hold different ones,
/// when no session comes about, and when the key is due; docs/wireguard.md has the order of operations.
class Generator final : public Exchange {
 public:
  explicit Generator(ExchangeParts parts);

  void take(const Message& message) override;
  void step() override;
  void wake() override;
  [[nodiscard]] std::optional<MonotonicTime> next_rotation() const override { return rotate_at_; }
  [[nodiscard]] std::string last_error() const override { return last_error_; }

 private:
  struct Attempt {
    void lacks(Source source, const std::string& why);

    KeyId key;
    DerivedKeys derived;
    RecoverMessage offer;
    std::string missing;  // sources that it lacks, and why
    MonotonicTime begun;
    MonotonicTime offer_at;  // again, unless something comes before
    int offers = 0;
    bool refused = false;  // for a cause that may pass: offered again later
    bool applying = false;
  };

  [[nodiscard]] std::string reason_to_begin() const;
  [[nodiscard]] bool other_is_down() const;
  void open_if_down();
  void begin(const std::string& reason);
  void take_key(Result<DeliveredKey> key);
  void build(Result<DeliveredKey> key);
  void gather(Attempt& attempt, std::vector<Ingredient>& ingredients);
  [[nodiscard]] std::string lacking_here();
  void offer();
  void offer_later(const std::string& why);
  void take_confirm(const ConfirmMessage& confirm);
  void take_refusal(const RefuseMessage& refusal);
  [[nodiscard]] bool leave_out(Source source, const std::string& why);
  void finish(Result<void> applied, const StateMessage& peer, bool by_recoverer);
  void fail(const std::string& why, Duration wait);

  ExchangeParts parts_;
  std::optional<StateMessage> peer_;  // as it last told
  MonotonicTime heard_;               // when
  bool fetching_ = false;
  std::unique_ptr<Attempt> attempt_;
  LastKeys last_;
  std::map<Source, std::string> left_out_;  // until a key is agreed, since the other end could not follow
  bool insists_ = false;                    // the other end, on what was left out
  std::string missing_;                     // in the last key that was agreed
  BackOff retry_;
  BackOff reopen_;
  MonotonicTime retry_at_;
  MonotonicTime reopen_at_;
  MonotonicTime settled_;  // when a key was last set, or a handshake begun
  std::optional<MonotonicTime> rotate_at_;
  std::string last_error_;
  Guard guard_;
};

}  // namespace dske::wireguard
