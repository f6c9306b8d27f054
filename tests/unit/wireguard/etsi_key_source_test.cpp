// Keys from a KME that answers just as a test says.
#include "wireguard/etsi_key_source.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "base/mutex.h"
#include "http/raw_server.h"

namespace dske::wireguard {
namespace {

using http::test::RawConnection;
using http::test::RawServer;

constexpr const char* kId = "11111111-2222-4333-8444-555555555555";
constexpr const char* kOtherId = "99999999-2222-4333-8444-555555555555";

std::string container(const std::string& id, std::size_t bytes, int keys = 1) {
  std::string text = R"({"keys":[)";
  for (int i = 0; i < keys; ++i) {
    text += (i == 0 ? "" : ",") + std::string(R"({"key_ID":")") + id + R"(","key":")" +
            std::string(bytes / 3 * 4, 'A') +
            (bytes % 3 == 2   ? "AAA="
             : bytes % 3 == 1 ? "AA=="
                              : "") +
            R"("})";
  }
  return text + "]}";
}

std::string status(int stored) {
  return R"({"source_KME_ID":"kate","target_KME_ID":"karl","master_SAE_ID":"alice","slave_SAE_ID":"bob",)"
         R"("key_size":256,"stored_key_count":)" +
         std::to_string(stored) +
         R"(,"max_key_count":10,"max_key_per_request":10,"max_key_size":256,"min_key_size":256,)"
         R"("max_SAE_ID_count":0})";
}

// Answers requests by `answer`, which gets the request.
class Kme {
 public:
  using AnswerTo = std::function<std::pair<int, std::string>(const std::string&)>;
  explicit Kme(AnswerTo answer)
      : server_([answer = std::move(answer)](RawConnection& connection) {
          while (const auto request = connection.read_request()) {
            const auto [status, body] = answer(*request);
            if (!connection.answer(status, body)) return;
          }
        }),
        loop_(http::ClientLoop::start()) {
    Config config;
    config.kme_url = "http://" + server_.authority();
    on_loop([&] { source_ = std::make_unique<EtsiKeySource>(config, *loop_, randomness_); });
  }
  ~Kme() {
    on_loop([this] { source_.reset(); });
  }
  Kme(const Kme&) = delete;
  Kme& operator=(const Kme&) = delete;

  void on_loop(const std::function<void()>& action) {
    std::promise<void> done;
    loop_->post([&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }
  Result<DeliveredKey> new_key() {
    return ask([this](KeySource::Done done) { source_->new_key(bob_, std::move(done)); });
  }
  Result<DeliveredKey> key_of(const std::string& id) {
    return ask([&](KeySource::Done done) {
      source_->key_of(
          bob_, [&id] { return std::optional<KeyId>(*KeyId::parse(id)); }, std::move(done));
    });
  }
  [[nodiscard]] EtsiKeySource& source() { return *source_; }
  [[nodiscard]] int connections() const { return server_.connections(); }

 private:
  Result<DeliveredKey> ask(const std::function<void(KeySource::Done)>& action) {
    std::promise<Result<DeliveredKey>> promise;
    on_loop([&] { action([&promise](Result<DeliveredKey> key) { promise.set_value(std::move(key)); }); });
    return promise.get_future().get();
  }

  const SaeId bob_ = *SaeId::parse("bob");
  SystemRandomness randomness_;
  RawServer server_;
  std::unique_ptr<http::ClientLoop> loop_;
  std::unique_ptr<EtsiKeySource> source_;
};

bool asks_for(const std::string& request, const std::string& what) {
  return request.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a key is asked for by the standard's paths, and the KME says who it is") {
  Kme kme([&](const std::string& request) -> std::pair<int, std::string> {
    if (asks_for(request, "GET /api/v1/keys/bob/enc_keys?number=1&size=256 "))
      return {200, container(kId, 32)};
    if (asks_for(request, "GET /api/v1/keys/bob/dec_keys?key_ID=" + std::string(kId) + " "))
      return {200, container(kId, 32)};
    if (asks_for(request, "GET /api/v1/keys/bob/status ")) return {200, status(3)};
    return {400, R"({"message":"what?"})"};
  });
  const auto made = kme.new_key();
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
  CHECK(made->id.text() == kId);
  CHECK(made->value.size() == 32);
  CHECK(kme.key_of(kId).has_value());
  std::string id;
  for (int i = 0; i < 1000 && id.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    kme.on_loop([&] { id = kme.source().kme_id(); });
  }
  CHECK(id == "kate");
}

TEST_CASE("anything but the one key that was asked for is refused") {
  Mutex mutex;
  std::string body;
  Kme kme([&](const std::string&) {
    const MutexLock lock(mutex);
    return std::pair(200, body);
  });
  const auto answer_with = [&](const std::string& text) {
    const MutexLock lock(mutex);
    body = text;
  };
  for (const std::string& bad : {container(kId, 31), container(kId, 64), container(kId, 32, 2),
                                 std::string(R"({"keys":[]})"), std::string("no JSON")}) {
    CAPTURE(bad);
    answer_with(bad);
    CHECK_FALSE(kme.new_key().has_value());
    CHECK_FALSE(kme.key_of(kId).has_value());
  }
  answer_with(container(kOtherId, 32));
  const auto other = kme.key_of(kId);
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().kind == ErrorKind::corrupt);
}

TEST_CASE("a KME without keys says why, and is watched until it has some") {
  std::atomic<int> stored = 0;
  Kme kme([&](const std::string& request) -> std::pair<int, std::string> {
    if (asks_for(request, "/status")) return {200, status(stored)};
    return {503, R"({"message":"too few hubs"})"};
  });
  std::promise<void> available;
  kme.on_loop([&] { kme.source().on_available = [&] { available.set_value(); }; });
  const auto none = kme.new_key();
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().kind == ErrorKind::unavailable);
  CHECK_MESSAGE(none.error().message.find("503: too few hubs") != std::string::npos, none.error().message);
  auto future = available.get_future();
  CHECK(future.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
  stored = 1;
  CHECK(future.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
}

TEST_CASE("a KME that cannot deliver the other end's key is watched, too; one that has it no more is not") {
  std::atomic<int> code = 400;
  std::atomic<int> statuses = 0;
  Kme kme([&](const std::string& request) -> std::pair<int, std::string> {
    if (!asks_for(request, "/status")) return {code, R"({"message":"no"})"};
    ++statuses;
    return {200, status(2)};
  });
  std::promise<void> available;
  kme.on_loop([&] { kme.source().on_available = [&] { available.set_value(); }; });
  const auto gone = kme.key_of(kId);
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().kind == ErrorKind::not_found);
  auto future = available.get_future();
  CHECK(future.wait_for(std::chrono::milliseconds(1300)) == std::future_status::timeout);
  CHECK(statuses == 0);
  code = 503;
  CHECK_FALSE(kme.key_of(kId).has_value());
  CHECK(future.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
}

TEST_CASE("many keys at one moment are asked for over few connections") {
  Kme kme([&](const std::string& request) -> std::pair<int, std::string> {
    if (asks_for(request, "/status")) return {200, status(3)};
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {200, container(kId, 32)};
  });
  constexpr int kMany = 200;
  std::promise<int> promise;
  int delivered = 0;
  int answered = 0;
  kme.on_loop([&] {
    for (int i = 0; i < kMany; ++i) {
      kme.source().new_key(*SaeId::parse("bob"), [&](const Result<DeliveredKey>& key) {
        if (key) ++delivered;
        if (++answered == kMany) promise.set_value(delivered);
      });
    }
  });
  CHECK(promise.get_future().get() == kMany);
  CHECK(kme.connections() <= 9);  // and one to see who the KME is
}

TEST_CASE("which key is wanted is asked when its turn comes, and one that is wanted no more is not fetched") {
  std::atomic<bool> opened = false;
  std::atomic<int> asked_for_first = 0;
  Kme kme([&](const std::string& request) -> std::pair<int, std::string> {
    if (asks_for(request, "/status")) return {200, status(3)};
    if (asks_for(request, kId)) ++asked_for_first;
    if (asks_for(request, "enc_keys")) {
      while (!opened) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return {200, container(asks_for(request, kOtherId) ? kOtherId : kId, 32)};
  });
  const SaeId bob = *SaeId::parse("bob");
  std::optional<KeyId> wanted = *KeyId::parse(kId);
  std::optional<KeyId> withdrawn = wanted;
  std::promise<Result<DeliveredKey>> changed;
  std::promise<Result<DeliveredKey>> dropped;
  kme.on_loop([&] {
    for (int i = 0; i < 8; ++i) kme.source().new_key(bob, [](const Result<DeliveredKey>& /*key*/) {});
    kme.source().key_of(
        bob, [&] { return wanted; }, [&](Result<DeliveredKey> key) { changed.set_value(std::move(key)); });
    kme.source().key_of(
        bob, [&] { return withdrawn; }, [&](Result<DeliveredKey> key) { dropped.set_value(std::move(key)); });
  });
  kme.on_loop([&] {
    wanted = *KeyId::parse(kOtherId);
    withdrawn.reset();
  });
  opened = true;
  const auto key = changed.get_future().get();
  REQUIRE(key.has_value());
  CHECK(key->id.text() == kOtherId);
  const auto none = dropped.get_future().get();
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().kind == ErrorKind::not_found);
  CHECK(asked_for_first == 0);
}

TEST_CASE("what a KME has to say of itself is cut to what a person reads") {
  Kme kme([&](const std::string& /*request*/) -> std::pair<int, std::string> {
    return {503, R"({"message":")" + std::string(20000, 'x') + R"("})"};
  });
  const auto key = kme.new_key();
  REQUIRE_FALSE(key.has_value());
  CHECK(key.error().message.size() < 600);
}

}  // namespace dske::wireguard
