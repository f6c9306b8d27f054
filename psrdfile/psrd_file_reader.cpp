#include "psrdfile/psrd_file_reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/json.h"
#include "psrdfile/psrd_file.h"
#include "psrdfile/psrd_format.h"

namespace dske {
namespace {

// The text of a JSON form: both halves in base64, and the rest.
constexpr std::size_t kTextBytesMost = kJsonPsrdBytesMost / 3 * 4 + kPsrdHeaderBytesMost;

const Error kCutOff{ErrorKind::corrupt, "PSRD file: damaged (it is cut off)"};

// Fills `bytes`, or as much of it as there is.
Result<std::size_t> read_full(ByteSource& in, MutableByteView bytes) {
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const auto count = in.read(bytes.subspan(filled));
    if (!count) return count.error();
    if (*count == 0) break;
    filled += *count;
  }
  return filled;
}

}  // namespace

PsrdFileReader::PsrdFileReader(ByteSource& in, PsrdHeader header)
    : in_(in), header_(std::move(header)), checksum_(header_), left_(header_.layout.total()) {}

Result<std::unique_ptr<PsrdFileReader>> PsrdFileReader::open(ByteSource& in) {
  SecretBytes begun(kBinaryPsrdMagic.size());
  const auto count = read_full(in, begun.span());
  if (!count) return count.error();
  begun.resize(*count);
  if (begun.text() == kBinaryPsrdMagic) return open_binary(in);
  return open_json(in, std::move(begun));
}

Result<std::unique_ptr<PsrdFileReader>> PsrdFileReader::open_json(ByteSource& in, SecretBytes begun) {
  if (begun.empty()) return Error{ErrorKind::corrupt, "PSRD file: it is empty"};
  const std::size_t first = begun.text().find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && begun.text()[first] != '{') return invalid("this is no PSRD file");
  SecretBytes text = std::move(begun);
  constexpr std::size_t kAtOnce = std::size_t{1} << 20;
  while (true) {
    const std::size_t before = text.size();
    if (before > kTextBytesMost) {
      return invalid("PSRD file: larger than " + std::to_string(kTextBytesMost) + " bytes");
    }
    text.resize(before + kAtOnce);
    const auto count = read_full(in, text.span().subspan(before));
    if (!count) return count.error();
    text.resize(before + *count);
    if (*count == 0) break;
  }
  auto file = PsrdFile::parse(text.text());
  if (!file) return file.error();
  SecretBytes data = std::move(file->data);
  std::unique_ptr<PsrdFileReader> reader(new PsrdFileReader(in, std::move(*file)));
  reader->data_ = std::move(data);
  reader->checked_ = true;
  return reader;
}

Result<std::unique_ptr<PsrdFileReader>> PsrdFileReader::open_binary(ByteSource& in) {
  std::array<std::uint8_t, 4> length{};
  const auto length_read = read_full(in, length);
  if (!length_read) return length_read.error();
  if (*length_read != length.size()) return kCutOff;
  std::size_t size = 0;
  for (const std::uint8_t byte : length) size = size << 8 | byte;
  if (size > kPsrdHeaderBytesMost) return invalid("PSRD file: its header is too large");
  SecretBytes text(size);
  const auto text_read = read_full(in, text.span());
  if (!text_read) return text_read.error();
  if (*text_read != size) return kCutOff;
  auto document = json::Document::parse(text.text());
  if (!document) return document.error().within("PSRD file");
  json::ObjectReader object(document->root(), "PSRD file");
  auto header = PsrdHeader::read(object);
  if (!header) return header.error();
  if (const auto fault = object.finish(json::UnknownMembers::refuse)) return *fault;
  return std::unique_ptr<PsrdFileReader>(new PsrdFileReader(in, std::move(*header)));
}

Result<std::size_t> PsrdFileReader::read(MutableByteView bytes) {
  bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), left_));
  if (bytes.empty()) return std::size_t{0};
  if (!data_.empty()) {
    const ByteView part = data_.view().subspan(header_.layout.total() - left_, bytes.size());
    std::copy(part.begin(), part.end(), bytes.begin());
    left_ -= bytes.size();
    return bytes.size();
  }
  const auto count = read_full(in_, bytes);
  if (!count) return count.error();
  if (*count < bytes.size()) return kCutOff;
  checksum_.add(bytes);
  left_ -= bytes.size();
  if (left_ == 0 && !checked_) {
    if (auto checked = check_end(); !checked) {
      wipe(bytes);
      return checked.error();
    }
    checked_ = true;
  }
  return bytes.size();
}

Result<void> PsrdFileReader::check_end() {
  PsrdChecksum::Digest sum{};
  const auto count = read_full(in_, sum);
  if (!count) return count.error();
  if (*count < sum.size()) return kCutOff;
  if (sum != checksum_.finish()) {
    return Error{ErrorKind::corrupt, "PSRD file: damaged (its checksum does not match)"};
  }
  std::array<std::uint8_t, 1> more{};
  const auto behind = in_.read(more);
  if (!behind) return behind.error();
  if (*behind > 0) return Error{ErrorKind::corrupt, "PSRD file: damaged (something follows its end)"};
  return {};
}

}  // namespace dske
