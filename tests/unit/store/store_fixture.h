// What the store's tests have in common: stores in a directory of their own, waiting for answers, things to
// store.
#pragma once

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/names.h"
#include "base/random.h"
#include "base/temporary_directory.h"
#include "store/hub_store.h"
#include "store/kme_store.h"

namespace dske::store::test {

using dske::test::TemporaryDirectory;

/// The answer of a call: answer_of<void>([&](auto done) { store.add_block(..., std::move(done)); }).
template <class T, class Call>
Result<T> answer_of(Call call) {
  std::promise<Result<T>> promise;
  auto future = promise.get_future();
  call(UniqueFunction<void(Result<T>)>(
      [&promise](Result<T> result) { promise.set_value(std::move(result)); }));
  return future.get();
}

/// The kind of a failure; internal if it is none, which no test expects.
template <class T>
ErrorKind kind_of(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().kind;
}

template <class T>
void require_ok(const Result<T>& result) {
  if (!result) FAIL(result.error().message);
}

template <class Name>
Name name(std::string_view text) {
  auto parsed = Name::parse(text);
  require_ok(parsed);
  return *parsed;
}
inline ClientName client(std::string_view text) {
  return name<ClientName>(text);
}
inline SaeId sae(std::string_view text) {
  return name<SaeId>(text);
}

template <class Id>
Id random_id() {
  SystemRandomness randomness;
  return Id::random(randomness);
}
inline BundleId random_bundle() {
  SystemRandomness randomness;
  return BundleId::random(randomness);
}

/// A block that is not in a store yet: its positions, as those of a fresh one, and its data.
struct NewBlock {
  BlockId id;
  PsrdLayout layout;
  PerZone<std::uint64_t> lease_end;
  PerZone<std::uint64_t> floor;
  SecretBytes data;
};
/// A small block whose data can be recognised on disk.
NewBlock random_block(Side own, const PsrdLayout& layout = PsrdLayout::of_halves(16384, 16384));

/// The block, written to its end.
template <class Store>
std::unique_ptr<BlockWriter> written(Store& store, const NewBlock& block) {
  auto writer = store.write_block(block.id, block.layout);
  require_ok(writer);
  require_ok((*writer)->write(block.data.view()));
  require_ok((*writer)->finish());
  return std::move(*writer);
}

/// Whether the block of the store has the same bytes as the new one in [begin, end).
bool same_bytes(const PsrdBlock& stored, const NewBlock& block, std::uint64_t begin, std::uint64_t end);
/// Whether none of the pieces in [begin, end) can be read.
bool wiped_bytes(const PsrdBlock& stored, std::uint64_t begin, std::uint64_t end);

/// The node key of the tests' stores.
const SecretBytes& node_key();

/// A deadline of this boot, `from_now` ahead or, if negative, past.
DurableDeadline deadline(std::chrono::seconds from_now);
/// A deadline made in another boot.
DurableDeadline deadline_of_other_boot(std::chrono::seconds from_now);

/// A context of `key_count` keys of 32 bytes from `initiator` to celia and, if `two_slaves`, frank.
BundleContext context(const ClientName& initiator, std::uint32_t key_count = 1, bool two_slaves = false);
ShareRecord share_of(const BundleContext& context, const DurableDeadline& expires);
HeldBundle held_of(const BundleContext& context, const DurableDeadline& expires);

Result<std::unique_ptr<HubStore>> open_hub(const std::filesystem::path& dir);
Result<std::unique_ptr<KmeStore>> open_kme(const std::filesystem::path& dir);
/// New stores; a hub's has the clients carol and celia, each with an SAE of its name.
std::unique_ptr<HubStore> new_hub(const std::filesystem::path& dir);
/// A further client, without SAEs.
void add_client(HubStore& store, std::string_view name);
std::unique_ptr<KmeStore> new_kme(const std::filesystem::path& dir);

/// Runs SQL on the database of a closed store.
void change(const std::filesystem::path& dir, const std::string& sql);

/// Whether `bytes` lie anywhere in a file of the directory.
bool on_disk(const std::filesystem::path& dir, ByteView bytes);

}  // namespace dske::store::test
