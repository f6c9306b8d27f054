#include "bench/hub_client.h"

#include <utility>

#include "base/file.h"

namespace dske::bench {
namespace {

constexpr std::size_t kFileBytesMost = std::size_t{16} << 20;
constexpr std::chrono::seconds kWait{10};  // a poll waits as long, as those of kme/pending_watch.cpp do
constexpr std::chrono::seconds kPause{1};  // after one that was not answered

}  // namespace

Result<std::unique_ptr<HubClient>> HubClient::open(const std::filesystem::path& psrd_file,
                                                   http::ClientLoop& loop) {
  const auto text = read_file(psrd_file, kFileBytesMost);
  if (!text) return text.error();
  const auto file = PsrdFile::parse(text->text());
  if (!file) return file.error().within(psrd_file.string());
  return std::unique_ptr<HubClient>(new HubClient(*file, loop));
}

HubClient::HubClient(const PsrdFile& file, http::ClientLoop& loop)
    : loop_(loop),
      transport_(loop),
      store_(loop),
      surroundings_{file.client_name, {}, loop, clock_, transport_, store_},
      link_(HubLink::make({file.hub_id, file.hub_name, file.endpoint}, LeasedPool::make(Side::client, store_),
                          surroundings_)) {
  const auto bytes = std::make_shared<MemoryPsrdBytes>(file.data.clone());
  store_.add(file.block, bytes);
  link_->pool().add_block(PsrdBlock::fresh(file.block, file.layout, bytes, Side::client), true);
}

void HubClient::enter(std::function<void(Result<void>)> done) {
  link_->register_now();
  link_->after_registration([this, done = std::move(done)] {
    if (link_->registered()) return done({});
    done(Error{ErrorKind::unavailable, name().text() + ": " + link_->last_error()});
  });
}

void HubClient::stay(std::chrono::nanoseconds first) {
  loop_.after(first, [this] { poll(); });
}

void HubClient::poll() {
  link_->poll({cursor_, kWait}, [this](const Result<HubReply>& reply) {
    const auto list = reply && reply->status == 200 ? PendingList::parse(reply->body.text())
                                                    : Result<PendingList>(invalid("no list"));
    if (list) cursor_ = list->cursor;
    // A share that was posted for it is fetched by whoever measures.
    loop_.after(list ? std::chrono::nanoseconds(0) : kPause, [this] { poll(); });
  });
}

}  // namespace dske::bench
