#include "store/set_back_marker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <openssl/sha.h>

#include "base/base64.h"
#include "base/file.h"

namespace dske::store {
namespace {

constexpr std::string_view kFormat = "dske-set-back-marker-1";
constexpr std::size_t kFileBytesMost = 64 << 10;

std::string checksum(std::string_view text) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return hex_text(digest);
}

// Takes the next line, without its line break, off `text`.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> number_after(std::string_view word, std::string_view line) {
  if (!line.starts_with(word)) return std::nullopt;
  line.remove_prefix(word.size());
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (fault != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return number;
}

// "opened GENERATION UUID"
std::optional<SetBackMarker::Opened> parse_opened(std::string_view line) {
  if (line.size() <= Uuid::kTextLength + 1) return std::nullopt;
  const std::size_t space = line.size() - Uuid::kTextLength - 1;
  const auto generation = number_after("opened ", line.substr(0, space));
  const auto block = BlockId::parse(line.substr(space + 1));
  if (!generation || !block || line[space] != ' ') return std::nullopt;
  return SetBackMarker::Opened{*block, *generation};
}

std::optional<SetBackMarker> parse(std::string_view text, std::optional<std::int64_t> file_born) {
  const auto last = text.rfind("sha256 ");
  if (last == std::string_view::npos) return std::nullopt;
  if (text.substr(last) != "sha256 " + checksum(text.substr(0, last)) + "\n") return std::nullopt;
  text = text.substr(0, last);

  if (take_line(text) != kFormat) return std::nullopt;
  SetBackMarker marker;
  const auto generation = number_after("generation ", take_line(text).value_or(""));
  const auto complete_after = number_after("complete-after ", take_line(text).value_or(""));
  if (!generation || !complete_after) return std::nullopt;
  marker.generation = *generation;
  marker.complete_after = *complete_after;
  if (text.starts_with("born ")) {
    const auto born = number_after("born ", *take_line(text));
    if (!born) return std::nullopt;
    marker.copied = marker.generation > 0 && file_born && static_cast<std::uint64_t>(*file_born) != *born;
  }
  while (!text.empty()) {
    const auto opened = parse_opened(take_line(text).value_or(""));
    if (!opened || marker.opened.size() == SetBackMarker::kOpenedMost) return std::nullopt;
    marker.opened.push_back(*opened);
  }
  return marker;
}

}  // namespace

void SetBackMarker::note_opened(const BlockId& block, std::uint64_t opened_in) {
  if (opened.size() == kOpenedMost) {
    complete_after = std::max(complete_after, opened.front().generation);
    opened.erase(opened.begin());
  }
  opened.push_back({block, opened_in});
}

Result<std::optional<SetBackMarker>> SetBackMarker::read(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) {
    if (failure) return io_error("cannot look for " + path.string(), failure.value());
    return std::optional<SetBackMarker>();
  }
  const auto contents = read_file(path, kFileBytesMost);
  if (!contents) {
    if (contents.error().kind == ErrorKind::invalid) return std::optional<SetBackMarker>();
    return contents.error();
  }
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return io_error("cannot open " + path.string(), errno);
  return parse(contents->text(), birth_time_ns(file));
}

Result<void> SetBackMarker::write(const std::filesystem::path& path) const {
  std::string text(kFormat);
  text += "\ngeneration " + std::to_string(generation) + "\ncomplete-after " +
          std::to_string(complete_after) + "\n";
  const auto finished = [&](const FileDescriptor& file) {
    if (const auto born = birth_time_ns(file)) text += "born " + std::to_string(*born) + "\n";
    for (const Opened& each : opened) {
      text += "opened " + std::to_string(each.generation) + " " + each.block.text() + "\n";
    }
    text += "sha256 " + checksum(text) + "\n";
    return text;
  };
  return write_file_atomically(path, finished, 0600);
}

}  // namespace dske::store
