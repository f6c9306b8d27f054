#include "kme/delivery_records.h"

#include <future>
#include <thread>

#include <doctest/doctest.h>

#include "http/client.h"
#include "store/store_fixture.h"

namespace dske::kme {
namespace {

using namespace store::test;
using Delivered = std::map<SaeId, std::vector<std::uint16_t>>;

constexpr std::uint16_t kKeys = 64;

// celia's KME with its store and its event loop, and bundles of carol's that it holds.
struct Celia {
  TemporaryDirectory dir;
  std::unique_ptr<store::KmeStore> store = new_kme(dir.path());
  std::unique_ptr<http::ClientLoop> loop = http::ClientLoop::start();
  SystemClock clock;
  LoopStore records_store{*store, *loop, clock};
  DeliveryRecords records{records_store, *loop};
  std::shared_ptr<const HeldKeys::Parties> parties = std::make_shared<HeldKeys::Parties>(
      HeldKeys::Parties{client("carol"), sae("carol"), {sae("celia")}, {sae("celia")}});

  BundleId hold() {
    auto bundle = held_of(context(client("carol"), kKeys), deadline(std::chrono::seconds(60)));
    const BundleId id = bundle.context.id;
    require_ok(answer_of<void>([&](auto done) { store->hold_bundle(std::move(bundle), std::move(done)); }));
    return id;
  }
  void deliver(const BundleId& id, std::vector<std::uint16_t> indices) {
    records.add(sae("celia"), {id, parties, std::move(indices)});
  }
  // Everything that was added is in the store afterwards: it carries out what it is asked in its order.
  void settle() {
    std::promise<void> done;
    loop->post([&] {
      records.flush();
      records_store.expire([&done](const Result<std::vector<BundleName>>& /*gone*/) { done.set_value(); });
    });
    done.get_future().wait();
  }
  std::map<BundleId, Delivered> recorded() {
    const auto contents = store->load();
    require_ok(contents);
    std::map<BundleId, Delivered> recorded;
    for (const store::HeldBundle& bundle : contents->held) recorded[bundle.context.id] = bundle.delivered;
    return recorded;
  }
};

Delivered all_but(std::uint16_t last) {
  std::vector<std::uint16_t> indices(kKeys - last);
  for (std::uint16_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return {{sae("celia"), indices}};
}

}  // namespace

TEST_CASE("what was delivered is recorded by itself soon") {
  Celia kme;
  const BundleId id = kme.hold();
  kme.deliver(id, {3});
  kme.deliver(id, {5, 4});
  const auto expected = std::map<BundleId, Delivered>{{id, {{sae("celia"), {3, 4, 5}}}}};
  while (kme.recorded() != expected) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST_CASE("deliveries of several threads are all recorded, and what is gathered at the end with them") {
  Celia kme;
  const std::vector<BundleId> ids{kme.hold(), kme.hold(), kme.hold()};
  std::vector<std::thread> workers;
  for (std::uint16_t worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&, worker] {
      // All but the last two keys: a bundle that is delivered in full leaves the store.
      for (std::uint16_t i = worker; i < kKeys - 2; i = static_cast<std::uint16_t>(i + 4))
        for (const BundleId& id : ids) kme.deliver(id, {i});
    });
  }
  for (std::thread& worker : workers) worker.join();
  kme.settle();
  for (const auto& [id, delivered] : kme.recorded()) CHECK(delivered == all_but(2));
  for (const BundleId& id : ids) kme.deliver(id, {kKeys - 2, kKeys - 1});
  kme.settle();
  CHECK(kme.recorded().empty());
}

TEST_CASE("more than is gathered at most is recorded, too") {
  Celia kme;
  std::vector<BundleId> ids;
  for (int i = 0; i < 140; ++i) ids.push_back(kme.hold());
  for (const BundleId& id : ids) {
    kme.deliver(id, all_but(1).begin()->second);
  }
  kme.settle();
  const auto recorded = kme.recorded();
  CHECK(recorded.size() == ids.size());
  for (const auto& [id, delivered] : recorded) CHECK(delivered == all_but(1));
}

}  // namespace dske::kme
