#include "hub/noise_input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "hub/used_noise_files.h"

namespace dske::hub {
namespace {

using Steady = std::chrono::steady_clock;

// A device or a named pipe: what comes out of it comes once.
class StreamInput final : public NoiseInput {
 public:
  StreamInput(FileDescriptor fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  Result<void> read(MutableByteView bytes, const NoisePatience& patience) override {
    auto deadline = Steady::now() + patience.most;
    Wait last = Wait::nothing;
    while (!bytes.empty()) {
      const ssize_t count = ::read(fd_.get(), bytes.data(), std::min(bytes.size(), kMostAtOnce));
      if (count > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        deadline = Steady::now() + patience.most;
        last = Wait::nothing;
        continue;
      }
      if (count < 0 && errno != EAGAIN && errno != EINTR) return io_error("cannot read " + name_, errno);
      if (last == Wait::hung_up) return ended();
      if (patience.is_over) return Error{ErrorKind::unavailable, "the hub is stopping"};
      if (Steady::now() >= deadline) {
        return Error{ErrorKind::unavailable,
                     fmt::format("{} gave no byte for {:g} s", name_,
                                 std::chrono::duration<double>(patience.most).count())};
      }
      // It said that there is something to read, and there was not: a device without poll().
      if (last == Wait::ready) std::this_thread::sleep_for(kPause);
      auto waited = wait();
      if (!waited) return waited.error();
      last = *waited;
    }
    return {};
  }

 private:
  enum class Wait { nothing, ready, hung_up };
  static constexpr std::size_t kMostAtOnce = std::size_t{64} << 10;
  static constexpr std::chrono::milliseconds kPause{5};
  static constexpr int kPollMilliseconds = 100;

  // A pipe whose writers have gone may still hold what they wrote.
  [[nodiscard]] Result<Wait> wait() const {
    pollfd polled{fd_.get(), POLLIN, 0};
    if (::poll(&polled, 1, kPollMilliseconds) < 0 && errno != EINTR) {
      return io_error("cannot wait for " + name_, errno);
    }
    if ((polled.revents & (POLLERR | POLLNVAL)) != 0) return ended();
    if ((polled.revents & POLLIN) != 0) return Wait::ready;
    return (polled.revents & POLLHUP) != 0 ? Wait::hung_up : Wait::nothing;
  }

  [[nodiscard]] Error ended() const {
    return {ErrorKind::unavailable, name_ + " has ended: nobody writes to it any more"};
  }

  FileDescriptor fd_;
  std::string name_;
};

class FileInput final : public NoiseInput {
 public:
  FileInput(FileDescriptor fd, std::string name, UsedNoiseFiles used, std::string digest)
      : fd_(std::move(fd)),
        name_(std::move(name)),
        used_(std::move(used)),
        digest_(std::move(digest)),
        // What was recorded and not read before the last end is given up.
        at_(std::max<std::uint64_t>(used_.end(digest_), kHeadBytes)),
        recorded_(at_) {}

  Result<void> read(MutableByteView bytes, const NoisePatience& /*patience*/) override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return io_error("cannot read " + name_, errno);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (at_ > size || size - at_ < bytes.size()) {
      return Error{ErrorKind::unavailable,
                   name_ + " is used up: put a file with new random bytes in its place"};
    }
    if (at_ + bytes.size() > recorded_) {
      const std::uint64_t end = at_ + std::max<std::uint64_t>(bytes.size(), kRecordedAtOnce);
      if (auto recorded = used_.record(digest_, std::min(end, size)); !recorded) return recorded;
      recorded_ = std::min(end, size);
    }
    while (!bytes.empty()) {
      const ssize_t count = ::pread(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return io_error("cannot read " + name_, errno);
      if (count == 0) return Error{ErrorKind::unavailable, name_ + " became shorter while it was read"};
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      at_ += static_cast<std::uint64_t>(count);
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kRecordedAtOnce = std::uint64_t{1} << 20;

  FileDescriptor fd_;
  std::string name_;
  UsedNoiseFiles used_;
  std::string digest_;
  std::uint64_t at_;
  std::uint64_t recorded_;  // below, at_ may advance without being recorded again
};

Result<std::unique_ptr<NoiseInput>> open_file(FileDescriptor fd, const std::string& name,
                                              const std::filesystem::path& used_file) {
  auto used = UsedNoiseFiles::load(used_file);
  if (!used) return used.error();
  std::array<std::uint8_t, NoiseInput::kHeadBytes> head{};
  const ssize_t count = ::pread(fd.get(), head.data(), head.size(), 0);
  if (count < 0) return io_error("cannot read " + name, errno);
  if (static_cast<std::size_t>(count) < head.size()) {
    return Error{ErrorKind::unavailable, name + " is shorter than " + std::to_string(head.size()) + " bytes"};
  }
  const std::string digest = UsedNoiseFiles::digest_of(head);
  return std::make_unique<FileInput>(std::move(fd), name, std::move(*used), digest);
}

}  // namespace

Result<std::unique_ptr<NoiseInput>> NoiseInput::open(const std::filesystem::path& source,
                                                     const std::filesystem::path& used_file) {
  // Not to wait for a pipe's other end, nor for a device: read() waits, with an end.
  FileDescriptor fd(::open(source.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd.is_open()) return io_error("cannot open " + source.string(), errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return io_error("cannot open " + source.string(), errno);
  if (S_ISREG(status.st_mode)) return open_file(std::move(fd), source.string(), used_file);
  if (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode)) {
    return std::unique_ptr<NoiseInput>(std::make_unique<StreamInput>(std::move(fd), source.string()));
  }
  return invalid(source.string() + " is neither a character device nor a named pipe nor a file");
}

}  // namespace dske::hub
