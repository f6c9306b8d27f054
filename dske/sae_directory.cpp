#include "dske/sae_directory.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/percent_encoding.h"

namespace dske {
namespace {

constexpr std::chrono::minutes kRemembered{10};
// A hub that did not answer, or where the client was not registered, could carry a share a little later.
constexpr std::chrono::minutes kRememberedInPart{1};
// A registered hub that told nothing is asked again after this, not with every key: asking costs PSRD.
constexpr std::chrono::milliseconds kAskAgain{500};
constexpr std::chrono::milliseconds kGrace{200};
constexpr std::size_t kEntriesMost = 100000;

struct Claim {
  ClientName client;
  bool registered = false;
};

Result<Claim> parse_claim(std::string_view body, const SaeId& sae) {
  auto document = json::Document::parse(body);
  if (!document) return document.error();
  json::ObjectReader reader(document->root(), "SAE");
  Claim claim;
  if (reader.string("sae_id", 512) != sae.text() && !reader.failed()) reader.fail("sae_id", "is another one");
  claim.client = reader.parsed<ClientName>("client_name");
  claim.registered = reader.boolean("registered");
  if (auto fault = reader.finish(json::UnknownMembers::ignore)) return *fault;
  return claim;
}

}  // namespace

struct SaeDirectory::Query {
  SaeId sae;
  std::vector<Done> waiting;
  std::size_t outstanding = 0;
  std::map<ClientName, std::vector<HubId>>
      claimed;  // by how many hubs, whatever they say of its registration
  std::map<ClientName, std::vector<HubId>> registered;  // and where it is registered
  std::size_t denied = 0;
  std::set<HubId> told;  // hubs that answered, whatever it was
  std::string failures;
  bool in_grace = false;
  bool finished = false;
  bool asking = true;
};

SaeDirectory::SaeDirectory(const std::vector<std::shared_ptr<HubLink>>& links, std::size_t shares_required,
                           EventLoop& loop, const Clock& clock)
    : links_(links), shares_required_(shares_required), loop_(loop), clock_(clock) {}

SaeDirectory::~SaeDirectory() = default;

const SaeLocation* SaeDirectory::remembered(const SaeId& sae) const {
  const auto found = entries_.find(sae);
  if (found == entries_.end() || found->second.until <= clock_.now()) return nullptr;
  const Entry& entry = found->second;
  // A hub that has come back since would otherwise carry no share, and two others that go would be too many.
  const bool has_newcomer = std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
    return link->registered() && !entry.told.contains(link->address().id);
  });
  return has_newcomer && entry.ask_again <= clock_.now() ? nullptr : &entry.location;
}

bool SaeDirectory::is_known(const SaeId& sae) const {
  const auto found = entries_.find(sae);
  return found != entries_.end() && found->second.until > clock_.now();
}

void SaeDirectory::forget(const SaeId& sae) {
  entries_.erase(sae);
}

void SaeDirectory::locate(const SaeId& sae, Done done) {
  if (const SaeLocation* location = remembered(sae)) return done(*location);
  if (const auto running = queries_.find(sae); running != queries_.end()) {
    running->second->waiting.push_back(std::move(done));
    return;
  }
  if (auto too_few = too_few_registered(links_, shares_required_)) return done(std::move(*too_few));
  auto query = std::make_shared<Query>();
  query->sae = sae;
  query->waiting.push_back(std::move(done));
  queries_.emplace(sae, query);
  query->outstanding = links_.size();
  // A call may answer at once; the links are copied since an answer may change them.
  for (const auto& link : std::vector(links_)) ask(query, link, true);
  query->asking = false;
  decide(query, false);
}

void SaeDirectory::ask(const std::shared_ptr<Query>& query, const std::shared_ptr<HubLink>& link,
                       bool may_retry) {
  link->call(
      "GET", "/sae/" + percent_encode(query->sae.text()), {},
      [this, query, link, may_retry](Result<HubReply> reply) {
        // A hub that has restarted accepts us again once the link has registered anew.
        if (!reply && reply.error().kind == ErrorKind::unauthenticated && may_retry && !query->finished) {
          link->after_registration([this, query, link] { ask(query, link, false); });
          return;
        }
        answered(query, link, std::move(reply));
      });
}

void SaeDirectory::answered(const std::shared_ptr<Query>& query, const std::shared_ptr<HubLink>& link,
                            Result<HubReply> reply) {
  --query->outstanding;
  const std::string& hub = link->address().name.text();
  std::string failure;
  if (!reply) {
    failure = reply.error().message;
  } else if (reply->status == 404) {
    ++query->denied;
    failure = "knows no such SAE";
  } else if (reply->status != 200) {
    failure = reply->refusal();
  } else if (auto claim = parse_claim(reply->body.text(), query->sae); !claim) {
    failure = claim.error().message;
  } else {
    query->claimed[claim->client].push_back(link->address().id);
    if (claim->registered) query->registered[claim->client].push_back(link->address().id);
  }
  if (reply) query->told.insert(link->address().id);
  if (!failure.empty()) query->failures += (query->failures.empty() ? "" : "; ") + hub + ": " + failure;
  decide(query, false);
}

void SaeDirectory::decide(const std::shared_ptr<Query>& query, bool waited) {
  if (query->finished || query->asking) return;
  for (const auto& [client, hubs] : query->claimed) {
    if (hubs.size() < shares_required_) continue;
    if (query->outstanding == 0 || waited) {
      finish(query, SaeLocation{client, query->registered[client]});
    } else if (query->registered[client].size() >= shares_required_ && !query->in_grace) {
      // Enough can carry a share; the others get a short time, since each further hub is one more that can.
      query->in_grace = true;
      loop_.after(kGrace, [this, query] { decide(query, true); });
    }
    return;
  }
  if (query->denied >= shares_required_ && query->outstanding == 0) {
    finish(query, Error{ErrorKind::not_found, "no hub knows the SAE " + query->sae.text()});
  } else if (query->outstanding == 0) {
    finish(query,
           Error{ErrorKind::unavailable, "fewer than " + std::to_string(shares_required_) +
                                             " hubs agree on the KME of SAE " + query->sae.text() +
                                             (query->failures.empty() ? "" : " (" + query->failures + ")")});
  }
}

void SaeDirectory::finish(const std::shared_ptr<Query>& query, Result<SaeLocation> result) {
  query->finished = true;
  queries_.erase(query->sae);
  if (result && result->hubs.size() >= shares_required_) {
    if (entries_.size() >= kEntriesMost) entries_.clear();
    const MonotonicTime now = clock_.now();
    const bool in_part = result->hubs.size() < links_.size();
    entries_[query->sae] = {*result, std::move(query->told),
                            now + (in_part ? kRememberedInPart : kRemembered), now + kAskAgain};
  }
  for (Done& done : std::exchange(query->waiting, {})) done(result);
}

}  // namespace dske
