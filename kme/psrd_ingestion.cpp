#include "kme/psrd_ingestion.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/fault_point.h"
#include "base/file.h"
#include "base/log.h"
#include "psrdfile/psrd_file_reader.h"

namespace dske::kme {

PsrdIngestion::PsrdIngestion(const KmeConfig& config, const HubRoster& roster, store::KmeStore& store,
                             std::vector<store::HubRecord> known_hubs)
    : config_(config), roster_(roster), store_(store), known_hubs_(std::move(known_hubs)) {}

void PsrdIngestion::forget_hub(const HubId& hub) {
  const MutexLock lock(mutex_);
  std::erase_if(known_hubs_, [&](const store::HubRecord& known) { return known.id == hub; });
}

Result<void> PsrdIngestion::check(const PsrdHeader& file, PsrdArrival arrival) const {
  if (file.client_name != config_.name) {
    return invalid("the file is for client " + file.client_name.text() + ", this is " + config_.name.text());
  }
  const MutexLock lock(mutex_);
  bool is_known = false;
  for (const store::HubRecord& known : known_hubs_) {
    is_known = is_known || known.id == file.hub_id;
    if ((known.name == file.hub_name) != (known.id == file.hub_id)) {
      return Error{ErrorKind::conflict,
                   "hub " + file.hub_name.text() + " has the id " + file.hub_id.text() +
                       " in this file, but hub " + known.name.text() + " is known as " + known.id.text() +
                       "; if it was made anew, drop its old PSRD with" + " dske-kme hub forget " +
                       known.name.text() + " and ingest the file again"};
    }
  }
  if (!is_known || !roster_.has(file.hub_name)) return roster_.may_join(file.hub_name, arrival);
  return {};
}

Result<bool> PsrdIngestion::knows(const BlockId& block) {
  std::promise<Result<bool>> known;
  store_.knows_block(block, [&](Result<bool> result) { known.set_value(std::move(result)); });
  return known.get_future().get();
}

bool PsrdIngestion::is_known(const std::filesystem::path& path) {
  const auto source = open_psrd_input(path, config_.psrd_recipient);
  if (!source) return false;
  const auto file = PsrdFileReader::open(**source);
  return file && knows((*file)->header().block).value_or(false);
}

Result<Ingested> PsrdIngestion::ingest(const std::filesystem::path& path, PsrdArrival arrival,
                                       const IdentityFiles& identity) {
  auto ingested = store(path, arrival, identity);
  if (ingested) wipe(path);
  return ingested;
}

Result<Ingested> PsrdIngestion::store(const std::filesystem::path& path, PsrdArrival arrival,
                                      const IdentityFiles& identity) {
  const auto source = open_psrd_input(path, identity.empty() ? config_.psrd_recipient : identity);
  if (!source) return source.error();
  const auto file = PsrdFileReader::open(**source);
  if (!file) return file.error().within(path.string());
  const PsrdHeader& header = (*file)->header();
  if (auto checked = check(header, arrival); !checked) return checked.error().within(path.string());
  const store::HubRecord hub{header.hub_id, header.hub_name, header.endpoint, header.client_id};
  auto block = store_block(hub, **file);
  if (!block) return block.error().within(path.string());
  {
    const MutexLock lock(mutex_);
    const auto same = [&](const store::HubRecord& known) { return known.id == hub.id; };
    if (std::none_of(known_hubs_.begin(), known_hubs_.end(), same)) known_hubs_.push_back(hub);
  }
  log::info("ingested PSRD block {} of hub {}: {} bytes", header.block.text(), header.hub_name.text(),
            header.layout.total());
  pass(FaultPoint::ingest_stored);
  return Ingested{hub, std::move(*block)};
}

void PsrdIngestion::wipe(const std::filesystem::path& path) {
  if (auto wiped = wipe_and_remove_file(path); !wiped) {
    log::error("{}; it is ingested: wipe it by hand", wiped.error().message);
  }
  pass(FaultPoint::ingest_done);
}

Result<PsrdBlock> PsrdIngestion::store_block(const store::HubRecord& hub, PsrdFileReader& file) {
  const PsrdHeader& header = file.header();
  // Found again when it is added; so a large file is not read for nothing.
  const auto known = knows(header.block);
  if (!known) return known.error();
  if (*known) {
    return Error{ErrorKind::conflict, "PSRD block " + header.block.text() + " was ingested before"};
  }
  auto writer = store_.write_block(header.block, header.layout);
  if (!writer) return writer.error();
  constexpr std::size_t kAtOnce = std::size_t{1} << 20;
  SecretBytes part(std::min<std::uint64_t>(header.layout.total(), kAtOnce));
  while (true) {
    const auto count = file.read(part.span());
    if (!count) return count.error();
    if (*count == 0) break;
    if (auto written = (*writer)->write(part.view().first(*count)); !written) return written.error();
  }
  if (auto finished = (*writer)->finish(); !finished) return finished.error();
  pass(FaultPoint::ingest_read);
  std::promise<Result<PsrdBlock>> stored;
  store_.ingest_block(hub, std::move(*writer),
                      [&](Result<PsrdBlock> result) { stored.set_value(std::move(result)); });
  return stored.get_future().get();
}

namespace {

// Whether the file is at fault; else, with a full disk for example, it is worth another try.
bool is_faulty(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
    case ErrorKind::corrupt:
    case ErrorKind::conflict:
    case ErrorKind::unauthenticated:
    case ErrorKind::forbidden:
      return true;
    default:
      return false;
  }
}

}  // namespace

void ingest_directory(PsrdIngestion& ingestion, const std::filesystem::path& directory,
                      const std::function<void(Ingested)>& ingested) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto extension = entry->path().extension();
    if (extension == ".json" || extension == ".psrd") files.push_back(entry->path());
  }
  if (error) log::error("cannot read {}: {}", directory.string(), error.message());
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    auto result = ingestion.store(file, PsrdArrival::by_drop);
    if (result) {
      // Whoever brings files reads of a KME's level when none lies here any more.
      ingested(std::move(*result));
      ingestion.wipe(file);
      continue;
    }
    if (!is_faulty(result.error().kind)) {
      log::error("PSRD file left for the next time: {}", result.error().message);
      continue;
    }
    log::error("PSRD file refused: {}", result.error().message);
    if (result.error().kind == ErrorKind::conflict && ingestion.is_known(file)) {
      if (auto wiped = wipe_and_remove_file(file); wiped) continue;
    }
    std::filesystem::rename(file, file.string() + ".refused", error);
  }
}

}  // namespace dske::kme
