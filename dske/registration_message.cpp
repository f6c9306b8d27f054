#include "dske/registration_message.h"

#include <limits>

#include "base/json.h"
#include "dske/polling_authentication.h"

namespace dske {
namespace {

constexpr std::size_t kBlocksMost = 4096;
constexpr std::size_t kSaesMost = 4096;
constexpr std::int64_t kPositionMost = (std::int64_t{1} << 48) - 1;
constexpr std::int64_t kNumberMost = std::numeric_limits<std::int64_t>::max();

// The member names of one side's positions.
struct PositionNames {
  std::string_view authenticator;
  std::string_view pad;
};
constexpr PositionNames kClientOwn{"client_authenticator", "client_pad"};
constexpr PositionNames kClientSeen{"client_authenticator_seen", "client_pad_seen"};
constexpr PositionNames kHubOwn{"hub_authenticator", "hub_pad"};
constexpr PositionNames kHubSeen{"hub_authenticator_seen", "hub_pad_seen"};

void write_positions(json::Writer& writer, const PositionNames& names,
                     const PerZone<std::uint64_t>& positions) {
  writer.name(names.authenticator).integer(static_cast<std::int64_t>(positions.authenticator));
  writer.name(names.pad).integer(static_cast<std::int64_t>(positions.pad));
}

PerZone<std::uint64_t> read_positions(json::ObjectReader& reader, const PositionNames& names) {
  return {static_cast<std::uint64_t>(reader.integer(names.authenticator, 0, kPositionMost)),
          static_cast<std::uint64_t>(reader.integer(names.pad, 0, kPositionMost))};
}

void write_blocks(json::Writer& writer, const std::vector<BlockPositions>& blocks, const PositionNames& own,
                  const PositionNames& seen) {
  writer.name("blocks").begin_array();
  for (const BlockPositions& block : blocks) {
    writer.begin_object();
    writer.name("block_uuid").string(block.block.text());
    write_positions(writer, own, block.own);
    write_positions(writer, seen, block.seen);
    writer.end_object();
  }
  writer.end_array();
}

std::vector<BlockPositions> read_blocks(json::ObjectReader& reader, const PositionNames& own,
                                        const PositionNames& seen) {
  std::vector<BlockPositions> blocks;
  for (const json::Value& element : reader.array("blocks", kBlocksMost)) {
    json::ObjectReader block(element, "block");
    BlockPositions positions;
    positions.block = block.parsed<BlockId>("block_uuid");
    positions.own = read_positions(block, own);
    positions.seen = read_positions(block, seen);
    if (const auto fault = block.finish(json::UnknownMembers::refuse)) {
      reader.fail("blocks", fault->message);
      break;
    }
    blocks.push_back(positions);
  }
  return blocks;
}

template <class T>
void write_texts(json::Writer& writer, std::string_view name, const std::vector<T>& values) {
  writer.name(name).begin_array();
  for (const T& value : values) writer.string(value.text());
  writer.end_array();
}

template <class T>
std::vector<T> read_texts(json::ObjectReader& reader, std::string_view name, std::size_t most) {
  std::vector<T> values;
  for (const json::Value& element : reader.array(name, most)) {
    auto value = T::parse(element.string().value_or(""));
    if (!value) {
      reader.fail(name, value.error().message);
      break;
    }
    values.push_back(std::move(*value));
  }
  return values;
}

}  // namespace

SecretBytes RegistrationRequest::write() const {
  json::Writer writer;
  writer.begin_object();
  writer.name("protocol_version").integer(1);
  writer.name("client_name").string(client.text());
  writer.name("registration_number").integer(static_cast<std::int64_t>(number));
  write_texts(writer, "sae_ids", sae_ids);
  write_allocation(writer, "polling_key", polling_key);
  write_blocks(writer, blocks, kClientOwn, kHubSeen);
  writer.end_object();
  return writer.take();
}

Result<RegistrationRequest> RegistrationRequest::parse(std::string_view text) {
  auto document = json::Document::parse(text);
  if (!document) return document.error().within("registration");
  json::ObjectReader reader(document->root(), "registration");
  RegistrationRequest request;
  reader.integer("protocol_version", 1, 1);
  request.client = reader.parsed<ClientName>("client_name");
  request.number = static_cast<std::uint64_t>(reader.integer("registration_number", 1, kNumberMost));
  request.sae_ids = read_texts<SaeId>(reader, "sae_ids", kSaesMost);
  request.polling_key = read_allocation(reader, "polling_key");
  if (!reader.failed() && allocation_size(request.polling_key) != kPollingKeyBytes) {
    reader.fail("polling_key", "must be 32 bytes in all");
  }
  request.blocks = read_blocks(reader, kClientOwn, kHubSeen);
  if (auto fault = reader.finish(json::UnknownMembers::refuse)) return *fault;
  return request;
}

SecretBytes RegistrationAnswer::write() const {
  json::Writer writer;
  writer.begin_object();
  writer.name("protocol_version").integer(1);
  writer.name("hub_id").string(hub_id.text());
  writer.name("hub_name").string(hub_name.text());
  writer.name("epoch").string(epoch.text());
  write_texts(writer, "sae_ids", sae_ids);
  write_texts(writer, "refused_sae_ids", refused_sae_ids);
  writer.name("limits").begin_object();
  writer.name("share_bytes").integer(static_cast<std::int64_t>(limits.share_bytes));
  writer.name("lifetime_seconds").integer(static_cast<std::int64_t>(limits.lifetime_seconds));
  writer.name("slaves").integer(static_cast<std::int64_t>(limits.slaves));
  writer.end_object();
  write_blocks(writer, blocks, kHubOwn, kClientSeen);
  write_texts(writer, "unknown_blocks", unknown_blocks);
  writer.end_object();
  return writer.take();
}

Result<RegistrationAnswer> RegistrationAnswer::parse(std::string_view text) {
  auto document = json::Document::parse(text);
  if (!document) return document.error().within("registration answer");
  json::ObjectReader reader(document->root(), "registration answer");
  RegistrationAnswer answer;
  reader.integer("protocol_version", 1, 1);
  answer.hub_id = reader.parsed<HubId>("hub_id");
  answer.hub_name = reader.parsed<HubName>("hub_name");
  answer.epoch = reader.parsed<Epoch>("epoch");
  answer.sae_ids = read_texts<SaeId>(reader, "sae_ids", kSaesMost);
  answer.refused_sae_ids = read_texts<SaeId>(reader, "refused_sae_ids", kSaesMost);
  const json::Value limits_value = reader.object("limits");
  if (!reader.failed()) {
    json::ObjectReader limits(limits_value, "limits");
    answer.limits.share_bytes = static_cast<std::uint64_t>(limits.integer("share_bytes", 1, kPositionMost));
    answer.limits.lifetime_seconds =
        static_cast<std::uint64_t>(limits.integer("lifetime_seconds", 1, kPositionMost));
    answer.limits.slaves = static_cast<std::uint64_t>(limits.integer("slaves", 1, kPositionMost));
    if (const auto fault = limits.finish(json::UnknownMembers::ignore)) reader.fail("limits", fault->message);
  }
  answer.blocks = read_blocks(reader, kHubOwn, kClientSeen);
  answer.unknown_blocks = read_texts<BlockId>(reader, "unknown_blocks", kBlocksMost);
  // A later version of a hub may tell more.
  if (auto fault = reader.finish(json::UnknownMembers::ignore)) return *fault;
  return answer;
}

}  // namespace dske
