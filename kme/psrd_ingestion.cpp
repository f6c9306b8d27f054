#include "kme/psrd_ingestion.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/fault_point.h"
#include "base/file.h"
#include "base/log.h"

namespace dske::kme {

PsrdIngestion::PsrdIngestion(const KmeConfig& config, store::KmeStore& store,
                             std::vector<store::HubRecord> known_hubs)
    : config_(config), store_(store), known_hubs_(std::move(known_hubs)) {}

Result<void> PsrdIngestion::check(const PsrdFile& file) const {
  if (file.client_name != config_.name) {
    return invalid("the file is for client " + file.client_name.text() + ", this is " + config_.name.text());
  }
  if (config_.find_hub(file.hub_name) == nullptr) {
    return invalid("the file is of hub " + file.hub_name.text() +
                   ", which is not in this KME's configuration");
  }
  const MutexLock lock(mutex_);
  for (const store::HubRecord& known : known_hubs_) {
    if ((known.name == file.hub_name) != (known.id == file.hub_id)) {
      return Error{ErrorKind::conflict, "hub " + file.hub_name.text() + " has the id " + file.hub_id.text() +
                                            " in this file, but hub " + known.name.text() + " is known as " +
                                            known.id.text() + "; was it made anew?"};
    }
  }
  return {};
}

Result<Ingested> PsrdIngestion::ingest(const std::filesystem::path& path) {
  std::error_code fault;
  if (!std::filesystem::exists(path, fault) && !fault) {
    return Error{ErrorKind::not_found, "there is no file " + path.string()};
  }
  auto text = read_file(path, PsrdFile::kBytesMost);
  if (!text) return text.error();
  auto file = PsrdFile::parse(text->text());
  if (!file) return file.error().within(path.string());
  if (auto checked = check(*file); !checked) return checked.error().within(path.string());

  Ingested ingested{{file->hub_id, file->hub_name, file->endpoint, file->client_id},
                    PsrdBlock::fresh(file->block, file->layout, std::move(file->data), Side::client)};
  PsrdBlock stored_block =
      PsrdBlock::fresh(file->block, file->layout, ingested.block.data.clone(), Side::client);
  pass(FaultPoint::ingest_read);
  std::promise<Result<void>> stored;
  store_.ingest_block(ingested.hub, std::move(stored_block),
                      [&](Result<void> result) { stored.set_value(std::move(result)); });
  if (auto result = stored.get_future().get(); !result) return result.error().within(path.string());
  {
    const MutexLock lock(mutex_);
    const auto same = [&](const store::HubRecord& known) { return known.id == ingested.hub.id; };
    if (std::none_of(known_hubs_.begin(), known_hubs_.end(), same)) known_hubs_.push_back(ingested.hub);
  }
  log::info("ingested PSRD block {} of hub {}: {} bytes", ingested.block.id.text(), ingested.hub.name.text(),
            ingested.block.layout.total());
  pass(FaultPoint::ingest_stored);
  if (auto wiped = wipe_and_remove_file(path); !wiped) {
    log::error("{}; it is ingested: wipe it by hand", wiped.error().message);
  }
  pass(FaultPoint::ingest_done);
  return ingested;
}

void ingest_directory(PsrdIngestion& ingestion, const std::filesystem::path& directory,
                      const std::function<void(Ingested)>& ingested) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") files.push_back(entry->path());
  }
  if (error) log::error("cannot read {}: {}", directory.string(), error.message());
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    auto result = ingestion.ingest(file);
    if (result) {
      ingested(std::move(*result));
      continue;
    }
    if (result.error().kind == ErrorKind::io) {  // a full disk, for example: nothing is wrong with the file
      log::error("PSRD file left for the next time: {}", result.error().message);
      continue;
    }
    log::error("PSRD file refused: {}", result.error().message);
    std::filesystem::rename(file, file.string() + ".refused", error);
  }
}

}  // namespace dske::kme
