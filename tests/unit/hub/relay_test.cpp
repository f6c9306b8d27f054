#include <doctest/doctest.h>

#include "dske/key_share_message.h"
#include "dske/one_time_pad.h"
#include "hub/running_hub.h"

namespace dske::hub::test {
namespace {

using store::test::client;
using store::test::require_ok;
using store::test::sae;

constexpr std::string_view kBase = "/hub/hank/dske/api/v1";

// Carol's bundles for celia at one hub.
struct Relayed {
  explicit Relayed(const RelayLimits& limits = {}) : hub(limits) {}

  RunningHub hub;
  HandClient carol = hub.registered("carol");
  HandClient celia = hub.registered("celia");

  [[nodiscard]] BundleContext bundle() const {
    BundleContext context = store::test::context(client("carol"));
    context.hubs[1] = hub.id();
    return context;
  }
  // A message with a fresh pad of `from`'s, its share under it.
  static KeyShareMessage message(HandClient& from, const BundleContext& context, ByteView share) {
    KeyShareMessage made;
    made.context = context;
    const Reserved pad = from.take(Zone::pad, share.size());
    made.encrypted_share = SecretBytes::copy_of(share);
    apply_pad(made.encrypted_share.span(), pad.bytes.view());
    made.allocation = pad.allocation;
    made.secret_tag.fill(7);
    made.lifetime = std::chrono::hours(1);
    return made;
  }
  Answer post(HandClient& from, const KeyShareMessage& message) const {
    return hub.call(from, hub.relayed(&Relay::post_share),
                    request("POST", std::string(kBase) + "/key-share", "", message.write()));
  }
  Answer post(const BundleContext& context) {
    return post(carol, message(carol, context, SecretBytes(context.share_bytes()).view()));
  }
  Answer get(HandClient& from, const std::string& query) const {
    return hub.call(from, hub.relayed(&Relay::get_share),
                    request("GET", std::string(kBase) + "/key-share", query));
  }
  Answer get(HandClient& from, const BundleContext& context) const {
    return get(from, "initiator=" + context.initiator.text() + "&key_id=" + context.id.text());
  }
  Answer withdraw(HandClient& from, const std::string& query) const {
    return hub.call(from, hub.relayed(&Relay::withdraw_share),
                    request("DELETE", std::string(kBase) + "/key-share", query));
  }
  Answer confirm(HandClient& from, std::string_view body) const {
    return hub.call(
        from, hub.relayed(&Relay::confirm),
        request("POST", std::string(kBase) + "/key-share/confirmation", "", SecretBytes::copy_of(body)));
  }
  Answer confirm(HandClient& from, const BundleContext& context) const {
    return confirm(from, R"({"bundles":[{"initiator":")" + context.initiator.text() + R"(","bundle_id":")" +
                             context.id.text() + "\"}]}");
  }
  Answer look_up(HandClient& from, const std::string& segment) const {
    http::Request asked = request("GET", std::string(kBase) + "/sae/" + segment);
    asked.parameters = {segment};
    return hub.call(from, hub.relayed(&Relay::look_up_sae), std::move(asked));
  }
  [[nodiscard]] std::vector<BundleName> pending(const ClientName& name) const {
    auto waiting = store::test::answer_of<store::PendingShares>(
        [&](auto done) { hub.store().pending(name, 0, 10, std::move(done)); });
    require_ok(waiting);
    return waiting->bundles;
  }
};

TEST_CASE("a share goes through the hub: in under its initiator's pad, out under a fresh one") {
  Relayed relayed;
  const BundleContext context = relayed.bundle();
  SystemRandomness randomness;
  const SecretBytes share = randomness.bytes(context.share_bytes());
  const Answer posted = relayed.post(relayed.carol, Relayed::message(relayed.carol, context, share.view()));
  CHECK(posted.status() == 200);
  CHECK(posted.body() == R"({"stored":true})");
  Allocation before;
  for (int time = 0; time < 2; ++time) {
    const Answer got = relayed.get(relayed.celia, context);
    CHECK(got.status() == 200);
    auto message = KeyShareMessage::parse(got.body());
    require_ok(message);
    CHECK(message->context == context);
    CHECK(message->secret_tag[0] == 7);
    CHECK(message->lifetime <= std::chrono::hours(1));
    CHECK(message->lifetime > std::chrono::minutes(59));
    for (const Fragment& fragment : message->allocation) {
      CHECK(fragment.start >= relayed.celia.layout().begin(Side::hub, Zone::pad));
      CHECK(fragment.end() <= relayed.celia.layout().end(Side::hub, Zone::pad));
    }
    CHECK(message->allocation != before);
    before = message->allocation;
    apply_pad(message->encrypted_share.span(), relayed.celia.read(message->allocation).view());
    CHECK(constant_time_equal(message->encrypted_share.view(), share.view()));
  }
}

TEST_CASE("a share that is PSRD is what the hub's own copy of these bytes holds, once") {
  Relayed relayed;
  const BundleContext context = relayed.bundle();
  KeyShareMessage message =
      Relayed::message(relayed.carol, context, SecretBytes(context.share_bytes()).view());
  const SecretBytes pad = std::move(message.encrypted_share);  // of zeros, so these are the pad's bytes
  message.encrypted_share = {};
  message.source = ShareSource::psrd;
  CHECK(relayed.post(relayed.carol, message).status() == 200);
  const Answer got = relayed.get(relayed.celia, context);
  CHECK(got.status() == 200);
  auto fetched = KeyShareMessage::parse(got.body());
  require_ok(fetched);
  CHECK(fetched->source == ShareSource::message);
  const SecretBytes share = fetched->take_share(relayed.celia.read(fetched->allocation));
  CHECK(constant_time_equal(share.view(), pad.view()));
  message.context.id = store::test::context(client("carol")).id;
  CHECK(relayed.post(relayed.carol, message).status() == 400);
}

TEST_CASE("a share whose only slave's client has left is refused, since nobody would fetch it") {
  Relayed relayed;
  const Answer left = relayed.hub.call(relayed.celia, relayed.hub.leaving(),
                                       request("DELETE", std::string(kBase) + "/registration", "psrd=keep"));
  CHECK(left.status() == 200);
  CHECK(relayed.post(relayed.bundle()).status() == 404);
  const Answer back = relayed.hub.register_as(relayed.celia, relayed.hub.registration_of(relayed.celia, 2));
  CHECK(back.status() == 200);
  CHECK(relayed.post(relayed.bundle()).status() == 200);
}

TEST_CASE("a pad is used once, and only the sender's own unused pad bytes are one") {
  Relayed relayed;
  const auto refused = [&](const Allocation& allocation) {
    KeyShareMessage message = Relayed::message(relayed.carol, relayed.bundle(), SecretBytes(64).view());
    message.allocation = allocation;
    CHECK(relayed.post(relayed.carol, message).status() == 400);
    CHECK(relayed.hub.client("carol")->waiting_bundles() == 0);
  };
  const KeyShareMessage first = Relayed::message(relayed.carol, relayed.bundle(), SecretBytes(64).view());
  CHECK(relayed.post(relayed.carol, first).status() == 200);
  CHECK(relayed.withdraw(relayed.carol, "key_id=" + first.context.id.text()).status() == 200);
  refused(first.allocation);
  refused(relayed.carol.take(Zone::authenticator, 64).allocation);
  refused(relayed.celia.take(Zone::pad, 64).allocation);
  refused({{relayed.carol.block(), relayed.carol.layout().begin(Side::hub, Zone::pad), 64}});
  refused({{store::test::random_id<BlockId>(), 0, 64}});
  refused({{relayed.carol.block(), relayed.carol.layout().end(Side::client, Zone::pad) - 32, 64}});
}

TEST_CASE("only the initiator posts, for its own SAE, at a hub of the list, to clients as they are bound") {
  Relayed relayed;
  const auto status_of = [&](auto change) {
    BundleContext context = relayed.bundle();
    change(context);
    return relayed.post(context).status();
  };
  CHECK(status_of([](BundleContext& context) { context.initiator = client("celia"); }) == 403);
  CHECK(status_of([](BundleContext& context) { context.master = sae("mallory"); }) == 403);
  CHECK(status_of([](BundleContext& context) { context.master = sae("nobody"); }) == 403);
  CHECK(status_of([](BundleContext& context) { context.hubs[1] = store::test::random_id<HubId>(); }) == 400);
  CHECK(status_of([](BundleContext& context) { context.slaves[0].client = client("mallory"); }) == 403);
  CHECK(status_of([](BundleContext& context) { context.slaves[0].sae_id = sae("nobody"); }) == 404);
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 0);
  CHECK(status_of([](BundleContext& context) {
          context.slaves.push_back({sae("nobody"), client("nobody")});
        }) == 200);
}

TEST_CASE("a share larger than the hub takes is refused") {
  RelayLimits limits;
  limits.share_bytes = 96;
  Relayed relayed(limits);
  BundleContext context = relayed.bundle();
  context.key_count = 2;
  CHECK(relayed.post(context).status() == 200);
  context = relayed.bundle();
  context.key_count = 3;
  CHECK(relayed.post(context).status() == 413);
}

TEST_CASE("a bundle is posted once, and the refusal does not count against its client") {
  Relayed relayed;
  const BundleContext context = relayed.bundle();
  CHECK(relayed.post(context).status() == 200);
  CHECK(relayed.post(context).status() == 409);
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 1);
}

TEST_CASE("a client may leave only so much waiting, and what goes makes room") {
  RelayLimits limits;
  limits.waiting_bundles_per_client = 2;
  Relayed relayed(limits);
  const BundleContext first = relayed.bundle();
  const BundleContext second = relayed.bundle();
  CHECK(relayed.post(first).status() == 200);
  CHECK(relayed.post(second).status() == 200);
  CHECK(relayed.post(relayed.bundle()).status() == 503);
  CHECK(relayed.withdraw(relayed.carol, "key_id=" + first.id.text()).status() == 200);
  CHECK(relayed.post(relayed.bundle()).status() == 200);
  CHECK(relayed.confirm(relayed.celia, second).status() == 200);
  CHECK(relayed.post(relayed.bundle()).status() == 200);
  CHECK(relayed.post(relayed.bundle()).status() == 503);
}

TEST_CASE("what waits is counted again after a restart") {
  RelayLimits limits;
  limits.waiting_bundles_per_client = 1;
  Relayed relayed(limits);
  CHECK(relayed.post(relayed.bundle()).status() == 200);
  relayed.hub.restart();
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 1);
  CHECK(relayed.post(relayed.bundle()).status() == 503);
}

TEST_CASE("a share is given to the clients that its context names and to nobody else") {
  Relayed relayed;
  HandClient mallory = relayed.hub.registered("mallory");
  const BundleContext context = relayed.bundle();
  CHECK(relayed.post(context).status() == 200);
  CHECK(relayed.get(mallory, context).status() == 404);
  CHECK(relayed.get(relayed.carol, context).status() == 404);
  CHECK(relayed.get(relayed.celia, relayed.bundle()).status() == 404);
  BundleContext by_another = context;
  by_another.initiator = client("mallory");
  CHECK(relayed.get(relayed.celia, by_another).status() == 404);
  CHECK(relayed.get(relayed.celia, context).status() == 200);
}

TEST_CASE("a share survives a restart of the hub") {
  Relayed relayed;
  const BundleContext context = relayed.bundle();
  CHECK(relayed.post(context).status() == 200);
  relayed.hub.restart();
  CHECK(relayed.get(relayed.celia, context).status() == 200);
}

TEST_CASE("a confirmed share is gone, and listed as pending until then") {
  Relayed relayed;
  HandClient mallory = relayed.hub.registered("mallory");
  const BundleContext context = relayed.bundle();
  CHECK(relayed.post(context).status() == 200);
  CHECK(relayed.pending(client("celia")) == std::vector<BundleName>{context.name()});
  CHECK(relayed.confirm(mallory, context).status() == 200);
  CHECK(relayed.pending(client("celia")).size() == 1);
  const Answer confirmed = relayed.confirm(relayed.celia, context);
  CHECK(confirmed.status() == 200);
  CHECK(confirmed.body() == R"({"confirmed":1})");
  CHECK(relayed.pending(client("celia")).empty());
  CHECK(relayed.get(relayed.celia, context).status() == 404);
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 0);
  CHECK(relayed.confirm(relayed.celia, context).status() == 200);
}

TEST_CASE("a share with two claims stays until both clients have confirmed") {
  Relayed relayed;
  HandClient mallory = relayed.hub.registered("mallory");
  BundleContext context = relayed.bundle();
  context.slaves.push_back({sae("mallory"), client("mallory")});
  CHECK(relayed.post(context).status() == 200);
  CHECK(relayed.confirm(relayed.celia, context).status() == 200);
  CHECK(relayed.get(relayed.celia, context).status() == 404);
  CHECK(relayed.get(mallory, context).status() == 200);
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 1);
  CHECK(relayed.confirm(mallory, context).status() == 200);
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 0);
}

TEST_CASE("only the initiator withdraws, and twice does no harm") {
  Relayed relayed;
  const BundleContext context = relayed.bundle();
  CHECK(relayed.post(context).status() == 200);
  CHECK(relayed.withdraw(relayed.celia, "key_id=" + context.id.text()).status() == 200);
  CHECK(relayed.get(relayed.celia, context).status() == 200);
  CHECK(relayed.withdraw(relayed.carol, "key_id=" + context.id.text()).body() == R"({"withdrawn":true})");
  CHECK(relayed.get(relayed.celia, context).status() == 404);
  CHECK(relayed.withdraw(relayed.carol, "key_id=" + context.id.text()).status() == 200);
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 0);
}

TEST_CASE("a share is not given out when its lifetime is over, nor kept longer than the hub allows") {
  RelayLimits limits;
  limits.lifetime_seconds = 600;
  Relayed relayed(limits);
  const BundleContext context = relayed.bundle();
  CHECK(relayed.post(context).status() == 200);
  const Answer got = relayed.get(relayed.celia, context);
  const auto message = KeyShareMessage::parse(got.body());
  require_ok(message);
  CHECK(message->lifetime <= std::chrono::minutes(10));
  relayed.hub.clock().set(relayed.hub.clock().now() + std::chrono::seconds(599));
  CHECK(relayed.get(relayed.celia, context).status() == 200);
  relayed.hub.clock().set(relayed.hub.clock().now() + std::chrono::seconds(1));
  CHECK(relayed.get(relayed.celia, context).status() == 404);
}

TEST_CASE("shares whose lifetime is over are removed and make room") {
  Relayed relayed;
  // The store keeps the machine's time: a share of an hour's lifetime that came in two hours ago.
  relayed.hub.clock().set(BootClock::now() - std::chrono::hours(2));
  const BundleContext context = relayed.bundle();
  CHECK(relayed.post(context).status() == 200);
  relayed.hub.relay().expire();
  relayed.hub.restart();  // waits for the store
  CHECK(relayed.pending(client("celia")).empty());
  CHECK(relayed.hub.client("carol")->waiting_bundles() == 0);
}

TEST_CASE("a look-up tells which client serves an SAE and whether it has registered") {
  Relayed relayed;
  CHECK(relayed.look_up(relayed.carol, "celia").body() ==
        R"({"sae_id":"celia","client_name":"celia","registered":true})");
  CHECK(relayed.look_up(relayed.carol, "%63elia").status() == 200);
  CHECK(relayed.look_up(relayed.carol, "mallory").body() ==
        R"({"sae_id":"mallory","client_name":"mallory","registered":false})");
  CHECK(relayed.look_up(relayed.carol, "nobody").status() == 404);
  CHECK(relayed.look_up(relayed.carol, "%zz").status() == 400);
  CHECK(relayed.look_up(relayed.carol, "%00").status() == 400);
}

TEST_CASE("queries and bodies that are not exactly as they should be are refused") {
  Relayed relayed;
  const std::string id = relayed.bundle().id.text();
  for (const std::string& query : std::vector<std::string>{
           "", "initiator=carol", "key_id=" + id, "initiator=carol&key_id=1", "initiator=&key_id=" + id,
           "initiator=carol&key_id=" + id + "&more=1", "initiator=carol&initiator=carol&key_id=" + id,
           "initiator&key_id=" + id, "initiator=carol&key_id=" + id.substr(0, 34) + "01"}) {
    CAPTURE(query);
    CHECK(relayed.get(relayed.celia, query).status() == 400);
  }
  CHECK(relayed.withdraw(relayed.carol, "initiator=carol&key_id=" + id).status() == 400);
  CHECK(relayed.confirm(relayed.celia, "{}").status() == 400);
  CHECK(relayed.confirm(relayed.celia, R"({"bundles":[{"initiator":"carol"}]})").status() == 400);
  CHECK(relayed.confirm(relayed.celia, R"({"bundles":[],"more":1})").status() == 400);
  std::string many = R"({"bundles":[)";
  for (int i = 0; i < 257; ++i) {
    many += (i > 0 ? "," : "") + std::string(R"({"initiator":"carol","bundle_id":")") + id + "\"}";
  }
  CHECK(relayed.confirm(relayed.celia, many + "]}").status() == 400);
  const Answer posted =
      relayed.hub.call(relayed.carol, relayed.hub.relayed(&Relay::post_share),
                       request("POST", std::string(kBase) + "/key-share", "", SecretBytes::copy_of("{}")));
  CHECK(posted.status() == 400);
}

TEST_CASE("a hub without PSRD for the responder answers that it has none") {
  Relayed relayed;
  const BundleContext context = [&] {
    BundleContext made = relayed.bundle();
    made.key_count = 180;  // 5,792 bytes: the responder's 12 KiB last for two answers
    return made;
  }();
  CHECK(relayed.post(context).status() == 200);
  CHECK(relayed.get(relayed.celia, context).status() == 200);
  CHECK(relayed.get(relayed.celia, context).status() == 200);
  CHECK(relayed.get(relayed.celia, context).status() == 503);
}

}  // namespace
}  // namespace dske::hub::test
