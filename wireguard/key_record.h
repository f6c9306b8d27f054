// The durable memory of which pre-shared keys are the adapter's own, so that a restart does not drop tunnels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "base/result.h"
#include "wireguard/key_derivation.h"

namespace dske::wireguard {

struct RecordedKey {
  KeyId id;
  Fingerprint fingerprint{};
  std::vector<Source> sources;  ///< what it is made of
  DurableDeadline applied;      ///< when it was set
};

/// Of one peer: what may be set on its device. No key, only fingerprints.
struct KeyRecordContents {
  std::vector<RecordedKey> keys;                   ///< the newest last
  std::optional<std::uint16_t> keepalive_seconds;  ///< to be restored: another one was set for a handshake
};

/// As an interface, so that tests can lose it.
class KeyRecord {
 public:
  virtual ~KeyRecord() = default;
  [[nodiscard]] virtual const KeyRecordContents& contents() const = 0;
  /// Durable once it returns.
  [[nodiscard]] virtual Result<void> replace(KeyRecordContents contents) = 0;
};

/// In one file, readable for its owner alone.
class FileKeyRecord final : public KeyRecord {
 public:
  /// Reads the file, if there is one. A damaged one is an error: the caller decides to begin anew.
  [[nodiscard]] static Result<FileKeyRecord> open(std::filesystem::path file);
  /// An empty record that will be written to `file`.
  explicit FileKeyRecord(std::filesystem::path file) : file_(std::move(file)) {}

  [[nodiscard]] const KeyRecordContents& contents() const override { return contents_; }
  [[nodiscard]] Result<void> replace(KeyRecordContents contents) override;

 private:
  std::filesystem::path file_;
  KeyRecordContents contents_;
};

[[nodiscard]] std::string to_json(const KeyRecordContents& contents);
[[nodiscard]] Result<KeyRecordContents> parse_key_record(std::string_view json);

}  // namespace dske::wireguard
