#include "psrdfile/psrd_header.h"

#include <algorithm>
#include <charconv>

#include "psrdfile/psrd_format.h"

namespace dske {
namespace {

constexpr std::int64_t kZoneBytesMost = std::int64_t{1} << 30;

void write_size(json::Writer& writer, std::string_view name, std::uint64_t size) {
  writer.name(name).integer(static_cast<std::int64_t>(size));
}

PsrdLayout read_zones(json::ObjectReader& file) {
  json::ObjectReader zones(file.object("zones"), "PSRD file: zones");
  const auto size = [&](std::string_view name) {
    return static_cast<std::uint64_t>(zones.integer(name, 32, kZoneBytesMost));
  };
  PsrdLayout layout;
  layout.client_authenticator = size("client_authenticator");
  layout.client_pad = size("client_pad");
  layout.hub_authenticator = size("hub_authenticator");
  layout.hub_pad = size("hub_pad");
  if (const auto fault = zones.finish(json::UnknownMembers::refuse)) file.fail("zones", fault->message);
  return layout;
}

constexpr std::string_view kHostCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

// Not empty and of no other characters.
bool only(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  return fault == std::errc() && end == text.data() + text.size() && port > 0 && port <= 65535;
}

}  // namespace

Result<void> check_endpoint(std::string_view url) {
  const Error bad = invalid("an endpoint is http://HOST[:PORT] or https://HOST[:PORT] and nothing more");
  std::string_view host = url;
  if (url.starts_with("http://")) {
    host.remove_prefix(7);
  } else if (url.starts_with("https://")) {
    host.remove_prefix(8);
  } else {
    return bad;
  }
  if (host.size() > 300) return bad;
  std::string_view port;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return bad;
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!only(host, "0123456789abcdefABCDEF:.") || host.find(':') == std::string_view::npos) return bad;
  } else {
    const auto end = std::min(host.find(':'), host.size());
    port = host.substr(end);
    host = host.substr(0, end);
    if (!only(host, kHostCharacters)) return bad;
  }
  if (!port.empty() && !is_port(port.substr(1))) return bad;
  if (!port.empty() && port[0] != ':') return bad;
  return {};
}

void PsrdHeader::write(json::Writer& writer) const {
  writer.name("format").string(kPsrdFormat);
  writer.name("hub").begin_object();
  writer.name("id").string(hub_id.text()).name("name").string(hub_name.text());
  writer.name("endpoint").string(endpoint).end_object();
  writer.name("client").begin_object();
  writer.name("id").string(client_id.text()).name("name").string(client_name.text()).end_object();
  writer.name("block_uuid").string(block.text());
  writer.name("zones").begin_object();
  write_size(writer, "client_authenticator", layout.client_authenticator);
  write_size(writer, "client_pad", layout.client_pad);
  write_size(writer, "hub_authenticator", layout.hub_authenticator);
  write_size(writer, "hub_pad", layout.hub_pad);
  writer.end_object();
}

Result<PsrdHeader> PsrdHeader::read(json::ObjectReader& reader) {
  if (reader.string("format", 32) != kPsrdFormat && !reader.failed()) {
    reader.fail("format", "must be " + std::string(kPsrdFormat));
  }
  PsrdHeader header;
  if (!reader.failed()) {
    json::ObjectReader hub(reader.object("hub"), "PSRD file: hub");
    header.hub_id = hub.parsed<HubId>("id");
    header.hub_name = hub.parsed<HubName>("name");
    header.endpoint = std::string(hub.string("endpoint", 512));
    if (const auto fault = hub.finish(json::UnknownMembers::refuse)) return *fault;
    if (auto checked = check_endpoint(header.endpoint); !checked)
      return checked.error().within("PSRD file: hub");
    json::ObjectReader client(reader.object("client"), "PSRD file: client");
    header.client_id = client.parsed<ClientId>("id");
    header.client_name = client.parsed<ClientName>("name");
    if (const auto fault = client.finish(json::UnknownMembers::refuse)) return *fault;
  }
  header.block = reader.parsed<BlockId>("block_uuid");
  if (!reader.failed()) header.layout = read_zones(reader);
  if (!reader.failed()) {
    if (auto checked = header.layout.check(); !checked) return checked.error().within("PSRD file: zones");
  }
  return header;
}

}  // namespace dske
