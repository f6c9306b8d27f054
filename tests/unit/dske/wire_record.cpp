#include "wire_record.h"

#include "base/json.h"
#include "dske/message_authentication.h"

namespace dske::test {

namespace {

// The head of a key share's body, or what there is of it.
std::string_view head_of(const SecretBytes& body) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4 && i < body.size(); ++i) length = length << 8 | body.view()[i];
  return body.size() < 4 ? std::string_view() : body.text().substr(4, length);
}

}  // namespace

void WireRecord::request(const HubId& hub, const HubRequest& request) {
  if (request.signature_header != kSignatureHeader) return;
  const std::size_t message = number_of("request " + hub.text() + request.method + request.target +
                                        request.signature + std::string(request.body.text()));
  signature(request.signature, Side::client, message);
  if (request.method == "PUT") {
    allocation(request.body.text(), "polling_key", Side::client, Zone::authenticator, message);
  } else if (request.method == "POST" && request.target.ends_with("/key-share")) {
    allocation(head_of(request.body), "allocation", Side::client, Zone::pad, message);
  }
}

void WireRecord::answer(const HubId& hub, const HubRequest& request, const HubAnswer& answer) {
  if (answer.signature.empty()) return;
  const std::size_t message =
      number_of("answer " + hub.text() + request.method + request.target + request.signature +
                std::to_string(answer.status) + answer.signature + std::string(answer.body.text()));
  signature(answer.signature, Side::hub, message);
  if (request.method == "GET" && answer.status == 200) {
    allocation(head_of(answer.body), "allocation", Side::hub, Zone::pad, message);
  }
}

std::uint64_t WireRecord::used_bytes(Side side, Zone zone) const {
  std::uint64_t sum = 0;
  for (const auto& [block, uses] : used_) {
    for (const auto& [begin, use] : uses) {
      if (use.side == side && use.zone == zone) sum += use.end - begin;
    }
  }
  return sum;
}

void WireRecord::signature(const std::string& header, Side side, std::size_t message) {
  const auto parsed = Signature::parse(header);
  if (!parsed) {
    faults_.push_back("a signature that does not parse: " + header);
    return;
  }
  use(parsed->key, side, Zone::authenticator, message);
}

void WireRecord::allocation(std::string_view json, std::string_view member, Side side, Zone zone,
                            std::size_t message) {
  const auto document = json::Document::parse(json);
  if (!document || !document->root().member(member)) return;
  json::ObjectReader reader(document->root(), "message");
  const Allocation fragments = read_allocation(reader, member);
  if (reader.failed()) {
    faults_.push_back("an allocation that does not parse: " +
                      reader.finish(json::UnknownMembers::ignore)->message);
    return;
  }
  use(fragments, side, zone, message);
}

void WireRecord::use(const Allocation& allocation, Side side, Zone zone, std::size_t message) {
  for (const Fragment& fragment : allocation) {
    const std::string where = allocation_text({fragment});
    const auto layout = layouts_.find(fragment.block);
    if (layout == layouts_.end()) {
      faults_.push_back(where + " is of a block that nobody was given");
      continue;
    }
    if (fragment.start < layout->second.begin(side, zone) ||
        fragment.end() > layout->second.end(side, zone)) {
      faults_.push_back(where + " lies outside its sender's zone");
    }
    auto& uses = used_[fragment.block];
    auto after = uses.lower_bound(fragment.start);
    if (after != uses.begin() && std::prev(after)->second.end > fragment.start) --after;
    bool known = false;
    for (; after != uses.end() && after->first < fragment.end(); ++after) {
      known = after->second.message == message && after->first == fragment.start;
      if (!known) faults_.push_back(where + " was used before");
    }
    if (!known) uses.emplace(fragment.start, Use{fragment.end(), message, side, zone});
  }
}

std::size_t WireRecord::number_of(std::string text) {
  return messages_.emplace(std::move(text), messages_.size() + 1).first->second;
}

}  // namespace dske::test
