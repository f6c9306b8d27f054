#include "base/file_stream.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "temporary_directory.h"

namespace dske {
namespace {

std::size_t files_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

TEST_CASE("a file sink's file appears when it is finished, whole, and can be read in pieces") {
  const test::TemporaryDirectory dir;
  const auto path = dir.path() / "file";
  auto sink = FileSink::create(path, 0600);
  REQUIRE(sink);
  REQUIRE((*sink)->write(as_bytes("some ")));
  CHECK_FALSE(std::filesystem::exists(path));
  REQUIRE((*sink)->write(as_bytes("bytes")));
  REQUIRE((*sink)->finish());
  CHECK(files_in(dir.path()) == 1);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  const auto source = FileSource::open(path);
  REQUIRE(source);
  Bytes part(4);
  std::string read;
  while (true) {
    const auto count = (*source)->read(part);
    REQUIRE(count);
    if (*count == 0) break;
    read += as_text(ByteView(part).first(*count));
  }
  CHECK(read == "some bytes");
}

TEST_CASE("a file sink that is not finished leaves nothing, and an older file as it was") {
  const test::TemporaryDirectory dir;
  const auto path = dir.path() / "file";
  REQUIRE(write_file_atomically(path, as_bytes("old"), 0600));
  {
    auto sink = FileSink::create(path, 0600);
    REQUIRE(sink);
    REQUIRE((*sink)->write(as_bytes("new")));
    CHECK(files_in(dir.path()) == 2);
  }
  CHECK(files_in(dir.path()) == 1);
  CHECK(read_file(path, 10)->text() == "old");
}

TEST_CASE("a file source refuses what is no regular file, and names what is not there") {
  const test::TemporaryDirectory dir;
  CHECK(FileSource::open(dir.path() / "none").error().kind == ErrorKind::not_found);
  CHECK(FileSource::open(dir.path()).error().kind == ErrorKind::invalid);
  REQUIRE(::mkfifo((dir.path() / "pipe").c_str(), 0600) == 0);
  CHECK(FileSource::open(dir.path() / "pipe").error().kind == ErrorKind::invalid);
}

}  // namespace
}  // namespace dske
