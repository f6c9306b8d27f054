#include <string>

#include <doctest/doctest.h>

#include "dske/fixed_randomness.h"
#include "psrdfile/memory_stream.h"
#include "psrdfile/psrd_file.h"
#include "psrdfile/psrd_file_reader.h"
#include "psrdfile/psrd_file_writer.h"
#include "psrdfile/psrd_format.h"

namespace dske {
namespace {

PsrdHeader header_of(std::uint64_t client_half, std::uint64_t hub_half) {
  test::ReproducibleRandomness randomness(1);
  return {HubId::random(randomness),
          *HubName::parse("hank"),
          "http://192.0.2.1:8100",
          ClientId::random(randomness),
          *ClientName::parse("carol"),
          BlockId::random(randomness),
          PsrdLayout::of_halves(client_half, hub_half)};
}

Bytes data_of(const PsrdHeader& header) {
  return test::ReproducibleRandomness(7).data(header.layout.total());
}

Bytes written(const PsrdHeader& header, PsrdForm form, std::size_t at_once = 777) {
  test::Taken taken;
  test::MemorySink sink(taken);
  auto writer = PsrdFileWriter::begin(header, form, sink);
  REQUIRE(writer);
  const Bytes data = data_of(header);
  for (ByteView left = data; !left.empty(); left = left.subspan(std::min(at_once, left.size()))) {
    REQUIRE((*writer)->write(left.first(std::min(at_once, left.size()))));
  }
  REQUIRE((*writer)->finish());
  CHECK(taken.finished);
  return taken.bytes;
}

Result<Bytes> read_file(ByteView file, std::size_t at_once = 1000, std::size_t source_most = SIZE_MAX) {
  test::MemorySource source(Bytes(file.begin(), file.end()), source_most);
  auto reader = PsrdFileReader::open(source);
  if (!reader) return reader.error();
  return test::read_all(**reader, at_once);
}

TEST_CASE("PSRD streams: either form reads back as it was written, in pieces of any size") {
  for (const PsrdForm form : {PsrdForm::json, PsrdForm::binary}) {
    for (const auto& [client_half, hub_half] : {std::pair{128, 128}, {5000, 300}, {131072, 131072}}) {
      const PsrdHeader header =
          header_of(static_cast<std::uint64_t>(client_half), static_cast<std::uint64_t>(hub_half));
      const Bytes file = written(header, form);
      test::MemorySource source(file);
      const auto reader = PsrdFileReader::open(source);
      REQUIRE(reader);
      CHECK((*reader)->header() == header);
      for (const std::size_t at_once : {1UL, 500UL, 100000UL}) {
        for (const std::size_t source_most : {SIZE_MAX, 3UL}) {
          if (at_once == 1 && file.size() > 10000) continue;
          const auto read = read_file(file, at_once, source_most);
          REQUIRE_MESSAGE(read.has_value(), read.error().message);
          CHECK(*read == data_of(header));
        }
      }
    }
  }
}

TEST_CASE("PSRD streams: the JSON form is the one that is written whole") {
  const PsrdHeader header = header_of(300, 500);
  const Bytes data = data_of(header);
  const PsrdFile whole{header, SecretBytes::copy_of(ByteView(data))};
  CHECK(as_text(written(header, PsrdForm::json)) == whole.write().text());
}

TEST_CASE("PSRD streams: every flipped bit, every truncation and every addition to a binary file is found") {
  const Bytes file = written(header_of(128, 128), PsrdForm::binary);
  REQUIRE(read_file(file));
  for (std::size_t i = 0; i < file.size(); ++i) {
    CHECK_FALSE(read_file(ByteView(file).first(i)));
    Bytes damaged = file;
    damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ (1U << (i % 8)));
    const auto read = read_file(damaged);
    // Upper case in a UUID says the same.
    if (read) CHECK(std::isxdigit(file[i]));
  }
  Bytes longer = file;
  longer.push_back(0);
  CHECK(read_file(longer).error().kind == ErrorKind::corrupt);
}

TEST_CASE("PSRD streams: the last bytes of a damaged file are not given") {
  Bytes file = written(header_of(4096, 4096), PsrdForm::binary);
  file.back() ^= 1;
  test::MemorySource source(file);
  const auto reader = PsrdFileReader::open(source);
  REQUIRE(reader);
  Bytes all(8192);
  CHECK((*reader)->read(all).error().kind == ErrorKind::corrupt);
  CHECK(all == Bytes(8192));
}

TEST_CASE("PSRD streams: what is no PSRD file, or too large a header, is refused as such") {
  CHECK(read_file(as_bytes("")).error().message == "PSRD file: it is empty");
  CHECK(read_file(as_bytes("\x89PNG\r\n")).error().message == "this is no PSRD file");
  Bytes huge(kBinaryPsrdMagic.begin(), kBinaryPsrdMagic.end());
  huge.resize(huge.size() + 4, 0x7f);
  CHECK(read_file(huge).error().message == "PSRD file: its header is too large");
}

TEST_CASE("PSRD streams: a writer takes neither more nor less than the block has") {
  const PsrdHeader header = header_of(128, 128);
  for (const PsrdForm form : {PsrdForm::json, PsrdForm::binary}) {
    test::Taken taken;
    test::MemorySink sink(taken);
    auto writer = PsrdFileWriter::begin(header, form, sink);
    REQUIRE(writer);
    CHECK((*writer)->write(Bytes(257)).error().kind == ErrorKind::invalid);
    CHECK((*writer)->write(Bytes(255)));
    CHECK((*writer)->finish().error().kind == ErrorKind::invalid);
    CHECK_FALSE(taken.finished);
  }
}

TEST_CASE("PSRD streams: large blocks are binary, in JSON they are refused") {
  const PsrdLayout largest = PsrdLayout::of_halves(kJsonPsrdBytesMost / 2, kJsonPsrdBytesMost / 2);
  CHECK(usual_psrd_form(largest) == PsrdForm::json);
  PsrdHeader header = header_of(kJsonPsrdBytesMost / 2, kJsonPsrdBytesMost / 2 + 32);
  CHECK(usual_psrd_form(header.layout) == PsrdForm::binary);
  test::Taken taken;
  test::MemorySink sink(taken);
  CHECK_FALSE(PsrdFileWriter::begin(header, PsrdForm::json, sink));
  CHECK(PsrdFileWriter::begin(header, PsrdForm::binary, sink));
}

}  // namespace
}  // namespace dske
