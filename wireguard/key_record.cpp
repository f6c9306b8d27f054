#include "wireguard/key_record.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"

namespace dske::wireguard {
namespace {

constexpr std::size_t kFileBytesMost = 16 * 1024;
constexpr std::size_t kKeysMost = 8;
constexpr std::size_t kSourcesMost = 4;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

RecordedKey read_key(const json::Value& value, std::optional<Error>& fault) {
  json::ObjectReader reader(value, "key");
  RecordedKey key;
  key.id = reader.parsed<KeyId>("key_id", Uuid::kTextLength);
  const auto fingerprint = hex_decode(reader.string("fingerprint", 2 * key.fingerprint.size()));
  if (!fingerprint || fingerprint->size() != key.fingerprint.size()) {
    reader.fail("fingerprint", "must be 32 bytes in hexadecimal");
  } else {
    std::copy(fingerprint->begin(), fingerprint->end(), key.fingerprint.begin());
  }
  for (const json::Value& name : reader.array("sources", kSourcesMost)) {
    const auto source = name.string() ? source_named(*name.string()) : std::nullopt;
    if (source) key.sources.push_back(*source);
    if (!source) reader.fail("sources", "must be names of sources");
  }
  key.applied.boot_id = reader.string("boot_id", 64);
  key.applied.boottime_nanos = reader.integer("boottime_nanos", 0, kMost);
  key.applied.wall_seconds = reader.integer("wall_seconds", 0, kMost);
  if (auto error = reader.finish(json::UnknownMembers::refuse)) fault = *error;
  return key;
}

}  // namespace

std::string to_json(const KeyRecordContents& contents) {
  json::Writer writer;
  writer.begin_object().name("keys").begin_array();
  for (const RecordedKey& key : contents.keys) {
    writer.begin_object().name("key_id").string(key.id.text());
    writer.name("fingerprint").string(hex_text(key.fingerprint));
    writer.name("sources").begin_array();
    for (const Source source : key.sources) writer.string(name_of(source));
    writer.end_array();
    writer.name("boot_id").string(key.applied.boot_id);
    writer.name("boottime_nanos").integer(key.applied.boottime_nanos);
    writer.name("wall_seconds").integer(key.applied.wall_seconds).end_object();
  }
  writer.end_array();
  if (contents.keepalive_seconds) writer.name("keepalive_seconds").integer(*contents.keepalive_seconds);
  writer.end_object();
  return writer.take_text();
}

Result<KeyRecordContents> parse_key_record(std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document) return document.error();
  json::ObjectReader reader(document->root(), "key record");
  KeyRecordContents contents;
  std::optional<Error> fault;
  for (const json::Value& value : reader.array("keys", kKeysMost))
    contents.keys.push_back(read_key(value, fault));
  if (reader.has("keepalive_seconds"))
    contents.keepalive_seconds = static_cast<std::uint16_t>(reader.integer("keepalive_seconds", 0, 65535));
  if (auto error = reader.finish(json::UnknownMembers::refuse)) return *error;
  if (fault) return *fault;
  return contents;
}

Result<FileKeyRecord> FileKeyRecord::open(std::filesystem::path file) {
  FileKeyRecord record(std::move(file));
  std::error_code ignored;
  if (!std::filesystem::exists(record.file_, ignored)) return record;
  const auto text = read_file(record.file_, kFileBytesMost);
  if (!text) return text.error();
  auto contents = parse_key_record(text->text());
  if (!contents) return contents.error().within(record.file_.string());
  record.contents_ = std::move(*contents);
  return record;
}

Result<void> FileKeyRecord::replace(KeyRecordContents contents) {
  if (auto written = write_file_atomically(file_, as_bytes(to_json(contents)), 0600); !written)
    return written;
  contents_ = std::move(contents);
  return {};
}

}  // namespace dske::wireguard
