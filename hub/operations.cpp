#include "hub/operations.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/fault_point.h"
#include "base/file.h"
#include "base/file_stream.h"
#include "base/log.h"

namespace dske::hub {

Operations::Operations(const HubId& hub, const HubConfig& config, ClientRegistry& clients,
                       store::HubStore& store, Randomness& randomness, PsrdRandomness& psrd_randomness)
    : hub_(hub),
      config_(config),
      clients_(clients),
      store_(store),
      randomness_(randomness),
      psrd_randomness_(psrd_randomness) {}

void Operations::put_client(ClientName name, std::vector<SaeId> sae_ids,
                            UniqueFunction<void(Result<std::shared_ptr<Client>>)> done) {
  store_.put_client(std::move(name), ClientId::random(randomness_), std::move(sae_ids),
                    [this, done = std::move(done)](Result<store::ClientRecord> record) mutable {
                      if (!record) return done(record.error());
                      done(clients_.put(*record));
                    });
}

Result<Operations::Assigned> Operations::assign_psrd(const ClientName& name_or_id,
                                                     const PsrdHalf& client_half, const PsrdHalf& hub_half) {
  const auto client = clients_.by_name_or_id(name_or_id);
  if (!client)
    return Error{ErrorKind::not_found, "no client " + name_or_id.text() + "; make it with client add"};
  const ClientName& client_name = client->name();
  if (!client->enabled()) {
    return Error{ErrorKind::conflict,
                 "client " + client_name.text() + " is disabled; enable it with client enable"};
  }
  PsrdHeader header;
  header.layout = PsrdLayout::of_halves(client_half, hub_half);
  if (auto checked = header.layout.check(); !checked) return checked.error();
  header.hub_id = hub_;
  header.hub_name = config_.name;
  header.endpoint = config_.endpoint;
  header.client_id = client->id();
  header.client_name = client->name();
  header.block = BlockId::random(randomness_);

  const std::filesystem::path directory = config_.node.state_dir / "psrd-out" / client_name.text();
  if (auto made = make_private_directories(directory); !made) return made.error();
  const PsrdForm form = usual_psrd_form(header.layout);
  Assigned assigned{header.block, directory / (header.block.text() + psrd_file_extension(form))};
  auto sink = FileSink::create(assigned.file, 0600);
  if (!sink) return sink.error();
  auto file = PsrdFileWriter::begin(header, form, **sink);
  if (!file) return file.error();
  auto block = store_.write_block(header.block, header.layout);
  if (!block) return block.error();
  if (auto filled = fill(header.layout.total(), **block, **file); !filled) return filled.error();
  if (auto finished = (*block)->finish(); !finished) return finished.error();

  // The hub knows the block before anyone can hold its file.
  std::promise<Result<PsrdBlock>> stored;
  store_.add_block(client_name, std::move(*block),
                   [&](Result<PsrdBlock> result) { stored.set_value(std::move(result)); });
  auto added = stored.get_future().get();
  if (!added) return added.error();
  if (!clients_.add_block(client, std::move(*added), false)) {
    return Error{ErrorKind::not_found, "client " + client_name.text() + " was removed meanwhile"};
  }
  pass(FaultPoint::assign_stored);
  if (auto finished = (*file)->finish(); !finished) {
    // Nobody will ever have its file, so it need not take space here.
    clients_.remove_block(header.block);
    store_.revoke_blocks({header.block}, [](const Result<std::vector<store::RevokedBlock>>& /*done*/) {});
    return finished.error().within("block " + header.block.text() + " is of no use");
  }
  pass(FaultPoint::assign_done);
  log::info("PSRD block {} made for client {}: {} bytes", header.block.text(), client_name.text(),
            header.layout.total());
  return assigned;
}

Result<void> Operations::fill(std::uint64_t bytes, ByteSink& block, ByteSink& file) {
  constexpr std::uint64_t kAtOnce = std::uint64_t{1} << 20;
  SecretBytes part(std::min(bytes, kAtOnce));
  while (bytes > 0) {
    const MutableByteView now = part.span().first(std::min<std::uint64_t>(bytes, part.size()));
    if (auto made = psrd_randomness_.fill(now); !made) return made;
    if (auto written = block.write(now); !written) return written;
    if (auto written = file.write(now); !written) return written;
    bytes -= now.size();
  }
  return {};
}

}  // namespace dske::hub
