#include "hub/ready_files.h"

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>

#include "base/file.h"
#include "psrdfile/psrd_file_writer.h"

namespace dske::hub {
namespace {

// The extensions of whole files (psrdfile/psrd_file_writer.h).
std::vector<std::string> extensions() {
  return {psrd_file_extension(PsrdForm::json), psrd_file_extension(PsrdForm::binary)};
}

std::optional<BlockId> block_of(const std::filesystem::path& file) {
  const std::vector<std::string> known = extensions();
  if (std::find(known.begin(), known.end(), file.extension()) == known.end()) return std::nullopt;
  const auto block = BlockId::parse(file.stem().string());
  return block && block->text() == file.stem().string() ? std::optional(*block) : std::nullopt;
}

// What there is in a folder; nothing if it is not there.
std::vector<std::filesystem::path> entries(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  std::error_code fault;
  for (std::filesystem::directory_iterator entry(directory, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    found.push_back(entry->path());
  }
  return found;
}

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
}

Result<void> wipe_if_there(const std::filesystem::path& file) {
  if (!is_there(file)) return {};
  auto wiped = wipe_and_remove_file(file);
  // Somebody may have taken it away at this moment.
  if (!wiped && !is_there(file)) return {};
  return wiped;
}

}  // namespace

std::vector<ReadyFile> ReadyFiles::of(const ClientName& client) const {
  std::vector<ReadyFile> files;
  for (const std::filesystem::path& path : entries(directory_of(client))) {
    const auto block = block_of(path);
    std::error_code fault;
    const std::uint64_t bytes = std::filesystem::file_size(path, fault);
    if (block && !fault) files.push_back({*block, path, bytes});
  }
  std::sort(files.begin(), files.end(),
            [](const ReadyFile& a, const ReadyFile& b) { return a.block < b.block; });
  return files;
}

Result<void> ReadyFiles::wipe(const ClientName& client, const BlockId& block) const {
  for (const std::string& extension : extensions()) {
    if (auto wiped = wipe_if_there(directory_of(client) / (block.text() + extension)); !wiped) return wiped;
  }
  return {};
}

Result<void> ReadyFiles::wipe_all(const ClientName& client) const {
  for (const std::filesystem::path& path : entries(directory_of(client))) {
    if (auto wiped = wipe_if_there(path); !wiped) return wiped;
  }
  std::error_code fault;
  std::filesystem::remove(directory_of(client), fault);
  if (fault) return io_error("cannot remove " + directory_of(client).string(), fault.value());
  return {};
}

Result<void> ReadyFiles::remove_unfinished() const {
  for (const std::filesystem::path& client : entries(directory_)) {
    for (const std::filesystem::path& path : entries(client)) {
      if (path.extension() != ".tmp") continue;
      if (auto wiped = wipe_if_there(path); !wiped) return wiped;
    }
  }
  return {};
}

}  // namespace dske::hub
