#include "dske/psrd_shares.h"

#include <utility>

namespace dske {

PsrdShares::PsrdShares(std::vector<std::shared_ptr<HubLink>> links, std::uint64_t size_bytes,
                       std::size_t count, Done done)
    : links_(std::move(links)), size_bytes_(size_bytes), missing_(count), done_(std::move(done)) {
  pads_.resize(links_.size());
}

void PsrdShares::take(std::vector<std::shared_ptr<HubLink>> links, std::uint64_t size_bytes,
                      std::size_t count, Done done) {
  const std::shared_ptr<PsrdShares> shares(
      new PsrdShares(std::move(links), size_bytes, count, std::move(done)));
  shares->ask_more();
}

void PsrdShares::ask_more() {
  // A hub may answer at once.
  while (outstanding_ < missing_ && next_ < links_.size()) {
    const std::size_t i = next_++;
    ++outstanding_;
    links_[i]->reserve_pad(size_bytes_, [self = shared_from_this(), i](Result<HubLink::Pad> pad) {
      self->answered(i, std::move(pad));
    });
  }
  if (outstanding_ > 0 || !done_) return;
  BundleFailure failure;
  failure.kind = ErrorKind::exhausted;
  failure.message = "too few hubs have PSRD for a secret made of it, " + std::to_string(missing_) +
                    " more are needed (" + text_of(causes_) + ")";
  failure.hubs = std::move(causes_);
  std::exchange(done_, {})(tl::make_unexpected(std::move(failure)));
}

void PsrdShares::answered(std::size_t i, Result<HubLink::Pad> pad) {
  --outstanding_;
  if (pad) {
    pads_[i].emplace(std::move(*pad));
    if (--missing_ == 0) return std::exchange(done_, {})(std::move(pads_));
  } else {
    causes_.push_back({links_[i]->address().name, pad.error().message});
  }
  ask_more();
}

}  // namespace dske
