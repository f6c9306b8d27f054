#include "base/file.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temporary_directory.h"

using namespace dske;
using dske::test::TemporaryDirectory;

namespace {

std::string contents_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

std::size_t entries_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

// Runs `body` in a process of its own and returns its exit status.
template <class Body>
int in_other_process(Body body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a file is written and read as it is, with the mode that was asked for") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  const std::string bytes("a\0b\nc\xff", 6);
  REQUIRE(write_file_atomically(path, as_bytes(bytes), 0600).has_value());
  CHECK(mode_of(path) == 0600);
  const auto read = read_file(path, 6);
  REQUIRE(read.has_value());
  CHECK(read->text() == bytes);
  REQUIRE(write_file_atomically(directory.path() / "empty", ByteView(), 0400).has_value());
  CHECK(mode_of(directory.path() / "empty") == 0400);
  CHECK(read_file(directory.path() / "empty", 0)->empty());
}

TEST_CASE("reading is bounded and of regular files alone") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  REQUIRE(write_file_atomically(path, as_bytes("1234567"), 0600).has_value());
  const auto large = read_file(path, 6);
  REQUIRE(!large.has_value());
  CHECK(large.error().kind == ErrorKind::invalid);
  CHECK(large.error().message.find(path.string()) != std::string::npos);
  const auto absent = read_file(directory.path() / "absent", 10);
  REQUIRE(!absent.has_value());
  CHECK(absent.error().kind == ErrorKind::io);
  CHECK(absent.error().message.find("No such file") != std::string::npos);
  CHECK(read_file(directory.path(), 10).error().kind == ErrorKind::invalid);
  REQUIRE(::mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
  CHECK(read_file(directory.path() / "fifo", 10).error().kind == ErrorKind::invalid);
}

TEST_CASE("a rewritten file is a new one: who has the old one open still reads all of it") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  REQUIRE(write_file_atomically(path, as_bytes("old contents"), 0600).has_value());
  std::ifstream old(path);
  REQUIRE(write_file_atomically(path, as_bytes("new"), 0600).has_value());
  std::string line;
  std::getline(old, line);
  CHECK(line == "old contents");
  CHECK(contents_of(path) == "new");
  CHECK(entries_in(directory.path()) == 1);
}

TEST_CASE("a failed write leaves the old file and nothing beside it") {
  const TemporaryDirectory directory;
  const auto taken = directory.path() / "taken";  // a directory cannot be replaced by a file
  REQUIRE(std::filesystem::create_directories(taken / "inner"));
  const auto written = write_file_atomically(taken, as_bytes("x"), 0600);
  REQUIRE(!written.has_value());
  CHECK(written.error().kind == ErrorKind::io);
  CHECK(entries_in(directory.path()) == 1);
  CHECK(!write_file_atomically(directory.path() / "absent" / "file", as_bytes("x"), 0600).has_value());
}

TEST_CASE("a write that the disk does not take is an error and leaves nothing beside the file") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  REQUIRE(write_file_atomically(path, as_bytes("old"), 0600).has_value());
  const int status = in_other_process([&] {
    // A limit on file sizes is the portable full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{10, 10};
    ::setrlimit(RLIMIT_FSIZE, &small);
    return write_file_atomically(path, Bytes(100, 1), 0600).has_value() ? 1 : 0;
  });
  CHECK(status == 0);
  CHECK(contents_of(path) == "old");
  CHECK(entries_in(directory.path()) == 1);
}

TEST_CASE("what a crash left of unfinished files is wiped, and nothing else") {
  const TemporaryDirectory directory;
  const auto below = directory.path() / "psrd-out" / "carol";
  REQUIRE(make_private_directories(below));
  const auto write = [](const std::filesystem::path& path) {
    REQUIRE(write_file_atomically(path, as_bytes("something"), 0600));
  };
  const auto unfinished = directory.path() / "store.marker.0123456789abcdef.tmp";
  const auto unfinished_below = below / "block.json.fedcba9876543210.tmp";
  for (const char* name : {"store.marker", "notes.tmp", "a.0123456789abcde.tmp", "a.0123456789abcdeg.tmp",
                           ".0123456789abcdef.tmp", "a.0123456789abcdef.tmp.json"}) {
    write(directory.path() / name);
  }
  write(unfinished);
  write(unfinished_below);
  const auto second_name = directory.path() / "kept";
  std::filesystem::create_hard_link(unfinished_below, second_name);

  const auto wiped = wipe_unfinished_files(directory.path());
  REQUIRE(wiped);
  CHECK(*wiped == 2);
  CHECK_FALSE(std::filesystem::exists(unfinished));
  CHECK_FALSE(std::filesystem::exists(unfinished_below));
  CHECK(read_file(second_name, 100)->text() == std::string(9, '\0'));
  CHECK(read_file(directory.path() / "notes.tmp", 100)->text() == "something");
  const auto again = wipe_unfinished_files(directory.path());
  REQUIRE(again);
  CHECK(*again == 0);
  CHECK_FALSE(wipe_unfinished_files(directory.path() / "absent"));
}

TEST_CASE("private directories are made with their parents, for the owner alone") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a" / "b" / "c";
  REQUIRE(make_private_directories(path).has_value());
  REQUIRE(make_private_directories(path).has_value());
  REQUIRE(make_private_directories(path.string() + "/").has_value());
  CHECK(mode_of(directory.path() / "a") == 0700);
  CHECK(mode_of(path) == 0700);
  std::ofstream(directory.path() / "file") << "x";
  const auto blocked = make_private_directories(directory.path() / "file" / "d");
  REQUIRE(!blocked.has_value());
  CHECK(blocked.error().message.find("file") != std::string::npos);
}

TEST_CASE("a file is overwritten with zeros before it is removed") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "secret";
  const std::size_t size = 40'000;  // more than is written at once
  REQUIRE(write_file_atomically(path, Bytes(size, 'k'), 0600).has_value());
  std::filesystem::create_hard_link(path, directory.path() / "other");
  REQUIRE(wipe_and_remove_file(path).has_value());
  CHECK(!std::filesystem::exists(path));
  const std::string left = contents_of(directory.path() / "other");  // the same file under its other name
  CHECK(left == std::string(size, '\0'));
}

TEST_CASE("what is no file or a link is not wiped") {
  const TemporaryDirectory directory;
  CHECK(!wipe_and_remove_file(directory.path() / "absent").has_value());
  CHECK(!wipe_and_remove_file(directory.path()).has_value());
  const auto target = directory.path() / "target";
  std::ofstream(target) << "kept";
  std::filesystem::create_symlink(target, directory.path() / "link");
  CHECK(!wipe_and_remove_file(directory.path() / "link").has_value());
  CHECK(contents_of(target) == "kept");
}

TEST_CASE("wiping does not wait for a pipe's reader") {
  const TemporaryDirectory directory;
  REQUIRE(::mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
  CHECK(!wipe_and_remove_file(directory.path() / "fifo").has_value());
}

TEST_CASE("a directory's lock is held by one process at a time and ends with it") {
  const TemporaryDirectory directory;
  const auto try_lock = [&] {
    const auto lock = DirectoryLock::take(directory.path());
    return lock ? 0 : lock.error().kind == ErrorKind::conflict ? 1 : 2;
  };
  {
    const auto lock = DirectoryLock::take(directory.path());
    REQUIRE(lock.has_value());
    CHECK(in_other_process(try_lock) == 1);
    CHECK(try_lock() == 1);
    CHECK(DirectoryLock::take(directory.path()).error().message.find(directory.path().string()) == 0);
  }
  CHECK(in_other_process(try_lock) == 0);
  CHECK(in_other_process(try_lock) == 0);  // the one before ended without releasing it
  CHECK(try_lock() == 0);
  CHECK(DirectoryLock::take(directory.path() / "absent").error().kind == ErrorKind::io);
}

TEST_CASE("a descriptor is closed once, by its last owner") {
  FileDescriptor first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(first.is_open());
  const int number = first.get();
  FileDescriptor second = std::move(first);
  CHECK(!first.is_open());  // NOLINT(bugprone-use-after-move): that is what is tested
  CHECK(::fcntl(number, F_GETFD) >= 0);
  second = FileDescriptor();
  CHECK(::fcntl(number, F_GETFD) < 0);
  CHECK(!second.is_open());
  second.close();
}

TEST_CASE("an error of the system names its cause") {
  const Error error = io_error("cannot open /x", ENOENT);
  CHECK(error.kind == ErrorKind::io);
  CHECK(error.message == "cannot open /x: No such file or directory");
  CHECK(error.within("hub.yaml").message == "hub.yaml: cannot open /x: No such file or directory");
}
