#include "psrdfile/psrd_file.h"

#include <string>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "psrdfile/psrd_checksum.h"
#include "psrdfile/psrd_format.h"

namespace dske {
namespace {

std::string checksum(const PsrdFile& file) {
  PsrdChecksum sum(file);
  sum.add(file.data.view());
  return hex_text(sum.finish());
}

}  // namespace

SecretBytes PsrdFile::write() const {
  const std::uint64_t middle = layout.half_size(Side::client);
  json::Writer writer;
  writer.begin_object();
  PsrdHeader::write(writer);
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
  auto header = PsrdHeader::read(reader);
  if (!header) return header.error();
  if (!reader.failed() && header->layout.total() > kJsonPsrdBytesMost) {
    reader.fail("zones", "a file of this form holds at most 8 MiB");
  }
  PsrdFile file{std::move(*header), {}};
  for (const auto& [name, side] :
       {std::pair{"client_half", Side::client}, std::pair{"hub_half", Side::hub}}) {
    if (reader.failed()) break;
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
