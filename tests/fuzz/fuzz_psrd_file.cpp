// A file that is accepted, in either form, is written back as one that is accepted and written the same; and
// the reader of streams accepts no file in JSON that the parser refuses, nor the reverse.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "psrdfile/psrd_file.h"
#include "psrdfile/psrd_file_reader.h"
#include "psrdfile/psrd_format.h"

using namespace dske;

namespace {

class ViewSource final : public ByteSource {
 public:
  explicit ViewSource(ByteView bytes) : bytes_(bytes) {}
  Result<std::size_t> read(MutableByteView out) override {
    const std::size_t count = std::min(out.size(), bytes_.size());
    std::copy_n(bytes_.begin(), count, out.begin());
    bytes_ = bytes_.subspan(count);
    return count;
  }

 private:
  ByteView bytes_;
};

std::optional<PsrdFile> read_stream(ByteView bytes) {
  ViewSource source(bytes);
  const auto reader = PsrdFileReader::open(source);
  if (!reader) return std::nullopt;
  PsrdFile file{(*reader)->header(), {}};
  Bytes part(4096);
  while (true) {
    const auto count = (*reader)->read(part);
    if (!count) return std::nullopt;
    if (*count == 0) return file;
    file.data.append(ByteView(part).first(*count));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto streamed = read_stream(input);
  if (streamed) {
    if (!streamed->layout.check() || streamed->data.size() != streamed->layout.total()) std::abort();
    if (streamed->layout.total() <= kJsonPsrdBytesMost && !PsrdFile::parse(streamed->write().text())) {
      std::abort();
    }
  }
  const auto file = PsrdFile::parse(as_text(input));
  if (!as_text(input).starts_with(kBinaryPsrdMagic) && file.has_value() != streamed.has_value()) std::abort();
  if (!file) return 0;
  const SecretBytes written = file->write();
  const auto again = PsrdFile::parse(written.text());
  if (!again || again->write().text() != written.text()) std::abort();
  return 0;
}
