#include "dske/psrd_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>

#include <openssl/evp.h>

#include "base/base64.h"
#include "base/json.h"
#include "dske/items.h"
#include "dske/psrd_block.h"

namespace dske {
namespace {

constexpr std::string_view kFormat = "dske-psrd-1";
constexpr std::int64_t kZoneBytesMost = std::int64_t{256} << 20;

// SHA-256 over items, without joining them first: the halves are large.
class ItemHash {
 public:
  ItemHash() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) std::abort();
  }
  void item(ByteView bytes) {
    add(big_endian(bytes.size()));
    add(bytes);
  }
  std::string finish() {
    std::array<std::uint8_t, 32> digest{};
    if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) std::abort();
    return hex_text(digest);
  }

 private:
  void add(ByteView bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) std::abort();
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string checksum(const PsrdFile& file) {
  ItemHash hash;
  hash.item(as_bytes(kFormat));
  hash.item(file.hub_id.uuid().bytes());
  hash.item(as_bytes(file.hub_name.text()));
  hash.item(as_bytes(file.endpoint));
  hash.item(file.client_id.uuid().bytes());
  hash.item(as_bytes(file.client_name.text()));
  hash.item(file.block.uuid().bytes());
  for (const Side side : {Side::client, Side::hub}) {
    for (const Zone zone : kZones) hash.item(big_endian(file.layout.size(side, zone)));
  }
  const std::uint64_t middle = file.layout.half_size(Side::client);
  hash.item(file.data.view().first(middle));
  hash.item(file.data.view().subspan(middle));
  return hash.finish();
}

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

SecretBytes PsrdFile::write() const {
  const std::uint64_t middle = layout.half_size(Side::client);
  json::Writer writer;
  writer.begin_object();
  writer.name("format").string(kFormat);
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
  writer.name("client_half").base64(data.view().first(middle));
  writer.name("hub_half").base64(data.view().subspan(middle));
  writer.name("checksum").string(checksum(*this));
  writer.end_object();
  return writer.take();
}

Result<PsrdFile> PsrdFile::parse(std::string_view text) {
  auto document = json::Document::parse(text);
  if (!document) return document.error().within("PSRD file");
  json::ObjectReader reader(document->root(), "PSRD file");
  if (reader.string("format", 32) != kFormat && !reader.failed()) {
    reader.fail("format", "must be " + std::string(kFormat));
  }
  PsrdFile file;
  if (!reader.failed()) {
    json::ObjectReader hub(reader.object("hub"), "PSRD file: hub");
    file.hub_id = hub.parsed<HubId>("id");
    file.hub_name = hub.parsed<HubName>("name");
    file.endpoint = std::string(hub.string("endpoint", 512));
    if (const auto fault = hub.finish(json::UnknownMembers::refuse)) return *fault;
    if (auto checked = check_endpoint(file.endpoint); !checked)
      return checked.error().within("PSRD file: hub");
    json::ObjectReader client(reader.object("client"), "PSRD file: client");
    file.client_id = client.parsed<ClientId>("id");
    file.client_name = client.parsed<ClientName>("name");
    if (const auto fault = client.finish(json::UnknownMembers::refuse)) return *fault;
  }
  file.block = reader.parsed<BlockId>("block_uuid");
  if (!reader.failed()) file.layout = read_zones(reader);
  if (!reader.failed()) {
    if (auto checked = file.layout.check(); !checked) return checked.error().within("PSRD file: zones");
  }
  for (const auto& [name, side] :
       {std::pair{"client_half", Side::client}, std::pair{"hub_half", Side::hub}}) {
    const std::uint64_t size = file.layout.half_size(side);
    file.data.append(reader.base64(name, size, size).view());
  }
  const std::string_view sum = reader.string("checksum", 64);
  if (auto fault = reader.finish(json::UnknownMembers::refuse)) return *fault;
  if (sum != checksum(file))
    return Error{ErrorKind::corrupt, "PSRD file: damaged (its checksum does not match)"};
  return file;
}

}  // namespace dske
