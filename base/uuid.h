// UUIDs (RFC 9562), and distinct types for the different things that they name.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"

namespace dske {

class Uuid {
 public:
  static constexpr std::size_t kBytes = 16;
  static constexpr std::size_t kTextLength = 36;

  Uuid() = default;
  explicit Uuid(const std::array<std::uint8_t, kBytes>& bytes) : bytes_(bytes) {}

  /// A random (version 4) UUID.
  [[nodiscard]] static Uuid random(Randomness& randomness);
  /// Takes exactly the 36-character form, in either case; braces, URN and undashed forms are refused.
  [[nodiscard]] static Result<Uuid> parse(std::string_view text);

  /// 36 characters, lower case.
  [[nodiscard]] std::string text() const;
  using Text = std::array<char, kTextLength>;
  [[nodiscard]] Text characters() const;
  [[nodiscard]] const std::array<std::uint8_t, kBytes>& bytes() const { return bytes_; }

  auto operator<=>(const Uuid&) const = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

/// A UUID that names one kind of thing: ids of different kinds do not mix.
template <class Tag>
class UuidOf {
 public:
  UuidOf() = default;
  explicit UuidOf(const Uuid& uuid) : uuid_(uuid) {}

  [[nodiscard]] static UuidOf random(Randomness& randomness) { return UuidOf(Uuid::random(randomness)); }
  [[nodiscard]] static Result<UuidOf> parse(std::string_view text) {
    auto uuid = Uuid::parse(text);
    if (!uuid) return uuid.error();
    return UuidOf(*uuid);
  }
  [[nodiscard]] std::string text() const { return uuid_.text(); }
  [[nodiscard]] const Uuid& uuid() const { return uuid_; }

  auto operator<=>(const UuidOf&) const = default;

 private:
  Uuid uuid_;
};

}  // namespace dske

template <>
struct std::hash<dske::Uuid> {
  std::size_t operator()(const dske::Uuid& uuid) const noexcept {
    std::uint64_t mixed = 0;
    for (const std::uint8_t byte : uuid.bytes()) mixed = (mixed ^ byte) * 0x100000001b3U;
    return static_cast<std::size_t>(mixed);
  }
};
template <class Tag>
struct std::hash<dske::UuidOf<Tag>> {
  std::size_t operator()(const dske::UuidOf<Tag>& id) const noexcept {
    return std::hash<dske::Uuid>()(id.uuid());
  }
};
