// The recoverer's role: fetches the key that it is told of, sets it, and proves it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wireguard/exchange.h"
#include "wireguard/guard.h"

namespace dske::wireguard {

/// Follows the generator. Sets a key only once it has seen that the generator derived the same one.
class Recoverer final : public Exchange {
 public:
  explicit Recoverer(ExchangeParts parts) : parts_(std::move(parts)) {}

  void take(const Message& message) override;
  void step() override {}
  void wake() override;
  [[nodiscard]] std::optional<MonotonicTime> next_rotation() const override { return std::nullopt; }
  [[nodiscard]] std::string last_error() const override { return last_error_; }

 private:
  void recover(const RecoverMessage& offer);
  void fetch(int tries);
  void build(std::optional<DeliveredKey> key);
  void confirm(const KeyId& key, const SecretBytes& confirmation);
  void refuse(Refusal reason, std::string detail, const std::string& cause = "");

  ExchangeParts parts_;
  std::optional<RecoverMessage> pending_;
  bool fetching_ = false;                  // a key from the KME, of this offer or of one before
  std::optional<RecoverMessage> refused_;  // since the KME did not deliver; it may now
  LastKeys last_;                          // of the key that is set
  std::string last_error_;
  Guard guard_;
};

}  // namespace dske::wireguard
