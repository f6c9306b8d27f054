// Lists of items as bytes.
#include <doctest/doctest.h>

#include "dske/items.h"

namespace dske {
namespace {

TEST_CASE("items: lists are read back, and any damage is noticed") {
  ItemWriter writer;
  writer.text("DSKE");
  writer.number(77);
  writer.bytes({});
  const Bytes bytes = writer.take();
  {
    ItemReader reader(bytes);
    CHECK(reader.text() == "DSKE");
    CHECK(reader.number(77) == 77);
    CHECK(reader.bytes().empty());
    CHECK(reader.finished());
  }
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ItemReader reader(ByteView(bytes).first(length));
    static_cast<void>(reader.text());
    static_cast<void>(reader.number(77));
    static_cast<void>(reader.bytes());
    CHECK_FALSE(reader.finished());
  }
  ItemReader too_large(bytes);
  static_cast<void>(too_large.text());
  CHECK(too_large.number(76) == 0);
  CHECK(too_large.failed());
  ItemReader too_early(bytes);
  static_cast<void>(too_early.text());
  CHECK_FALSE(too_early.finished());
  const Bytes ones(8, 0xff);
  ItemReader huge(ones);
  CHECK(huge.bytes().empty());
  CHECK(huge.failed());
  ItemReader no_uuid(bytes);
  static_cast<void>(no_uuid.uuid());
  CHECK(no_uuid.failed());
}

}  // namespace
}  // namespace dske
