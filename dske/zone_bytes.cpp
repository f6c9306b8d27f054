#include "dske/zone_bytes.h"

#include <algorithm>
#include <cassert>

namespace dske {

void ZoneBytes::take(std::uint64_t position, std::uint64_t size, SecretBytes& out) {
  drop_below(position);
  while (size > 0) {
    assert(!leases_.empty() && leases_.front().begin <= position);
    Lease& lease = leases_.front();
    const std::uint64_t count = std::min(size, lease.end() - position);
    out.append(lease.bytes.view().subspan(position - lease.begin, count));
    position += count;
    size -= count;
    drop_below(position);
  }
}

void ZoneBytes::drop_below(std::uint64_t position) {
  while (!leases_.empty() && leases_.front().end() <= position) leases_.erase(leases_.begin());
  if (leases_.empty() || leases_.front().begin >= position) return;
  wipe_below(leases_.front(), position);
}

// Each byte once, however small the steps are in which a lease is used.
void ZoneBytes::wipe_below(Lease& lease, std::uint64_t position) {
  if (position <= lease.wiped_to) return;
  wipe(lease.bytes.span().subspan(lease.wiped_to - lease.begin, position - lease.wiped_to));
  lease.wiped_to = position;
}

SecretBytes ZoneBytes::copy_from(std::uint64_t position) const {
  SecretBytes bytes;
  for (const Lease& lease : leases_) {
    const std::uint64_t from = std::clamp(position, lease.begin, lease.end());
    bytes.append(lease.bytes.view().subspan(from - lease.begin));
  }
  return bytes;
}

std::uint64_t ZoneBytes::size() const {
  std::uint64_t size = 0;
  for (const Lease& lease : leases_) size += lease.bytes.size();
  return size;
}

}  // namespace dske
