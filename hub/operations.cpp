#include "hub/operations.h"

#include <future>
#include <utility>

#include "base/fault_point.h"
#include "base/file.h"
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

Result<Operations::Assigned> Operations::assign_psrd(const ClientName& client_name,
                                                     const PsrdHalf& client_half, const PsrdHalf& hub_half) {
  const auto client = clients_.by_name(client_name);
  if (!client)
    return Error{ErrorKind::not_found, "no client " + client_name.text() + "; make it with client add"};
  PsrdFile file;
  file.layout = PsrdLayout::of_halves(client_half, hub_half);
  if (auto checked = file.layout.check(); !checked) return checked.error();
  // The file in base64 must stay under what a KME reads.
  if (file.layout.total() > PsrdFile::kBytesMost / 2) return invalid("a PSRD file holds at most 80 MiB");
  file.hub_id = hub_;
  file.hub_name = config_.name;
  file.endpoint = config_.endpoint;
  file.client_id = client->id();
  file.client_name = client->name();
  file.block = BlockId::random(randomness_);
  file.data = SecretBytes(file.layout.total());
  if (auto filled = psrd_randomness_.fill(file.data.span()); !filled) return filled.error();

  const std::filesystem::path directory = config_.node.state_dir / "psrd-out" / client_name.text();
  if (auto made = make_private_directories(directory); !made) return made.error();
  const SecretBytes text = file.write();
  const auto fresh = [&] { return PsrdBlock::fresh(file.block, file.layout, file.data.clone(), Side::hub); };

  // The hub knows the block before anyone can hold its file.
  std::promise<Result<void>> stored;
  store_.add_block(client_name, fresh(), [&](Result<void> result) { stored.set_value(std::move(result)); });
  if (auto result = stored.get_future().get(); !result) return result.error();
  clients_.add_block(client, fresh(), false);
  pass(FaultPoint::assign_stored);

  Assigned assigned{file.block, directory / (file.block.text() + ".json")};
  if (auto written = write_file_atomically(assigned.file, text.view(), 0600); !written) {
    return written.error().within("block " + file.block.text() + " is of no use");
  }
  pass(FaultPoint::assign_done);
  log::info("PSRD block {} made for client {}: {} bytes", file.block.text(), client_name.text(),
            file.layout.total());
  return assigned;
}

}  // namespace dske::hub
