#include "base/file_stamp.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/temporary_directory.h"

namespace dske {
namespace {

using First = FileWatch::First;

void write(const std::filesystem::path& file, std::string_view text) {
  REQUIRE(write_file_atomically(file, as_bytes(text), 0600));
}

}  // namespace

TEST_CASE("a stamp tells a file from its next version, also one of the same size, and from none") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  CHECK(stamp_of(file) == FileStamp());
  write(file, "one");
  const FileStamp first = stamp_of(file);
  CHECK(first != FileStamp());
  CHECK(stamp_of(file) == first);
  write(file, "two");
  CHECK(stamp_of(file) != first);
  const auto both = stamps_of({file.string(), (directory.path() / "none").string()});
  CHECK(both == std::vector<FileStamp>{stamp_of(file), FileStamp()});
}

TEST_CASE("a watch tells of a change once, and of none while the file still changes") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  write(file, "one");
  FileWatch watch(file, First::known);
  CHECK_FALSE(watch.has_changed());
  write(file, "two");
  CHECK_FALSE(watch.has_changed());
  write(file, "three");
  CHECK_FALSE(watch.has_changed());
  CHECK(watch.has_changed());
  CHECK_FALSE(watch.has_changed());
  std::filesystem::remove(file);
  CHECK_FALSE(watch.has_changed());
  CHECK(watch.has_changed());
}

TEST_CASE("what a file holds at first counts as a change if it is not known") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  write(file, "one");
  FileWatch watch(file, First::unknown);
  CHECK(watch.has_changed());
  CHECK_FALSE(watch.has_changed());
}

}  // namespace dske
