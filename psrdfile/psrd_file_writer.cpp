#include "psrdfile/psrd_file_writer.h"

#include <string>
#include <utility>

#include "base/json.h"
#include "psrdfile/psrd_file.h"
#include "psrdfile/psrd_format.h"

namespace dske {
namespace {

SecretBytes binary_head(const PsrdHeader& header) {
  json::Writer writer;
  writer.begin_object();
  header.write(writer);
  writer.end_object();
  const SecretBytes json = writer.take();
  SecretBytes head = SecretBytes::copy_of(kBinaryPsrdMagic);
  for (int shift = 24; shift >= 0; shift -= 8)
    head.push_back(static_cast<std::uint8_t>(json.size() >> shift));
  head.append(json.view());
  return head;
}

}  // namespace

PsrdForm usual_psrd_form(const PsrdLayout& layout) {
  return layout.total() <= kJsonPsrdBytesMost ? PsrdForm::json : PsrdForm::binary;
}

const char* psrd_file_extension(PsrdForm form) {
  return form == PsrdForm::json ? ".json" : ".psrd";
}

PsrdFileWriter::PsrdFileWriter(PsrdHeader header, PsrdForm form, ByteSink& out)
    : header_(std::move(header)), form_(form), out_(out), checksum_(header_) {}

Result<std::unique_ptr<PsrdFileWriter>> PsrdFileWriter::begin(PsrdHeader header, PsrdForm form,
                                                              ByteSink& out) {
  if (auto checked = header.layout.check(); !checked) return checked.error();
  if (form == PsrdForm::json && header.layout.total() > kJsonPsrdBytesMost) {
    return invalid("a PSRD file in JSON holds at most 8 MiB; a larger one is binary");
  }
  std::unique_ptr<PsrdFileWriter> writer(new PsrdFileWriter(std::move(header), form, out));
  if (form == PsrdForm::json) {
    writer->data_.reserve(writer->header_.layout.total());
  } else if (auto written = out.write(binary_head(writer->header_).view()); !written) {
    return written.error();
  }
  return writer;
}

Result<void> PsrdFileWriter::write(ByteView bytes) {
  if (bytes.size() > header_.layout.total() - written_) {
    return invalid("PSRD block " + header_.block.text() + " has more bytes than its zones");
  }
  written_ += bytes.size();
  if (form_ == PsrdForm::json) {
    data_.append(bytes);
    return {};
  }
  checksum_.add(bytes);
  return out_.write(bytes);
}

Result<void> PsrdFileWriter::finish() {
  if (written_ != header_.layout.total()) {
    return invalid("PSRD block " + header_.block.text() + " has fewer bytes than its zones");
  }
  if (form_ == PsrdForm::json) {
    const PsrdFile file{header_, std::move(data_)};
    if (auto text = out_.write(file.write().view()); !text) return text;
  } else if (auto sum = out_.write(checksum_.finish()); !sum) {
    return sum;
  }
  return out_.finish();
}

}  // namespace dske
