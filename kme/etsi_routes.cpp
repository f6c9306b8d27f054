#include "kme/etsi_routes.h"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/fault_point.h"
#include "base/log.h"
#include "etsi014/key_container.h"
#include "etsi014/key_ids_request.h"
#include "etsi014/media_type.h"
#include "etsi014/sae_path.h"
#include "http/log_budget.h"
#include "kme/extensions/registry.h"
#include "kme/request_limits.h"
#include "kme/sae_identity.h"

namespace dske::kme {
namespace {

using etsi014::ApiError;
using etsi014::ApiResult;

http::Response error_response(const ApiError& error) {
  http::Response response{error.status, "application/json", {}, etsi014::to_json(error)};
  if (error.status == 503 || error.status == 429) response.headers.push_back({"Retry-After", "1"});
  return response;
}

http::Response keys_response(const KeyDelivery::Keys& keys,
                             std::span<const etsi014::ContainerExtension> extension = {}) {
  pass(FaultPoint::kme_keys_answer);
  return {200, "application/json", {}, etsi014::key_container_json(keys, extension)};
}

// A request whose caller and path are known.
struct Caller {
  SaeId sae;
  SaeId other;  // the SAE of the path
};

// The way to answer a request that has its place among those in progress. The place ends first: whoever has
// the answer may ask again.
class PlacedReply {
 public:
  PlacedReply(RequestLimits::Place place, http::Reply reply)
      : place_(std::move(place)), reply_(std::move(reply)) {}
  void send(http::Response response, http::Reply::Written written = {}) {
    place_.reset();
    reply_.send(std::move(response), std::move(written));
  }

 private:
  std::optional<RequestLimits::Place> place_;
  http::Reply reply_;
};

class EtsiRoutes : public std::enable_shared_from_this<EtsiRoutes> {
 public:
  EtsiRoutes(const KmeConfig& config, KeyDelivery& delivery, EventLoop& loop)
      : config_(config),
        delivery_(delivery),
        loop_(loop),
        limits_(RequestLimits::make(config.request_limits)) {}

  using Method = void (EtsiRoutes::*)(Caller, http::Request, PlacedReply);

  http::Handler handler(Method method) {
    return [self = shared_from_this(), method](http::Request request, http::Reply reply) {
      auto sae = self->sae_of(request);
      if (!sae) return reply.send(error_response(sae.error()));
      auto place = RequestLimits::take(self->limits_, *sae, std::chrono::steady_clock::now());
      if (!place) return reply.send(error_response(place.error()));
      auto caller = self->caller_of(request, std::move(*sae));
      if (!caller)
        return PlacedReply(std::move(*place), std::move(reply)).send(error_response(caller.error()));
      ((*self).*method)(std::move(*caller), std::move(request), {std::move(*place), std::move(reply)});
    };
  }

  void status(Caller caller, http::Request request, PlacedReply reply) {
    if (auto fault = pair_fault(request, caller.sae, {caller.other}))
      return reply.send(error_response(*fault));
    loop_.post([self = shared_from_this(), caller = std::move(caller), reply = std::move(reply)]() mutable {
      self->delivery_.status(caller.sae, caller.other,
                             [reply = std::move(reply)](ApiResult<etsi014::Status> status) mutable {
                               if (!status) return reply.send(error_response(status.error()));
                               reply.send({200, "application/json", {}, etsi014::to_json(*status)});
                             });
    });
  }

  void enc_keys(Caller caller, http::Request request, PlacedReply reply) {
    if (auto fault = media_fault(request)) return reply.send(error_response(*fault));
    auto key_request = etsi014::parse_key_request(
        request.query, request.body.text(), {caller.sae, caller.other}, config_.limits, extension_names());
    if (!key_request) return reply.send(error_response(key_request.error()));
    std::vector<SaeId> slaves = key_request->additional_slave_sae_ids;
    slaves.insert(slaves.begin(), caller.other);
    if (auto fault = pair_fault(request, caller.sae, slaves)) return reply.send(error_response(*fault));
    if (const auto keys = delivery_.ready_keys(caller.sae, caller.other, *key_request))
      return reply.send(keys_response(*keys));
    loop_.post([self = shared_from_this(), caller = std::move(caller), key_request = std::move(*key_request),
                reply = std::move(reply)]() mutable {
      self->delivery_.enc_keys(caller.sae, caller.other, key_request,
                               [reply = std::move(reply)](ApiResult<KeyIssue::Issued> issued) mutable {
                                 // Keys whose answer cannot be written are dropped: nobody else holds them
                                 // here.
                                 reply.send(issued ? keys_response(issued->keys, issued->extension)
                                                   : error_response(issued.error()));
                               });
    });
  }

  void dec_keys(Caller caller, http::Request request, PlacedReply reply) {
    if (auto fault = media_fault(request)) return reply.send(error_response(*fault));
    if (auto fault = pair_fault(request, caller.other, {caller.sae}))
      return reply.send(error_response(*fault));
    auto ids = etsi014::parse_key_ids_request(request.query, request.body.text());
    if (!ids) return reply.send(error_response(ids.error()));
    // Keys that are held are given out right here.
    if (auto delivered = delivery_.dec_keys_at_once(caller.sae, caller.other, *ids))
      return send_keys(std::move(*delivered), std::move(reply));
    loop_.post([self = shared_from_this(), caller = std::move(caller), ids = std::move(*ids),
                reply = std::move(reply)]() mutable {
      self->delivery_.dec_keys(
          caller.sae, caller.other, std::move(ids),
          [self, reply = std::move(reply)](ApiResult<KeyDelivery::Delivered> delivered) mutable {
            self->send_keys(std::move(delivered), std::move(reply));
          });
    });
  }

 private:
  void send_keys(ApiResult<KeyDelivery::Delivered> delivered, PlacedReply reply) {
    if (!delivered) return reply.send(error_response(delivered.error()));
    reply.send(keys_response(delivered->keys),
               [self = shared_from_this(), delivery = delivered->delivery](bool whole) {
                 pass(FaultPoint::kme_keys_written);
                 if (whole) {
                   self->delivery_.delivery_succeeded(delivery);
                 } else {
                   self->delivery_.delivery_failed(delivery);
                 }
               });
  }

  [[nodiscard]] ApiResult<Caller> caller_of(const http::Request& request, SaeId sae) const {
    auto other = etsi014::parse_sae_segment(request.parameters.at(0));
    if (!other) return other.error();
    if (*other == sae && !config_.pairs.self_paired(sae))
      return etsi014::bad_request("the SAE ID in the path is the caller's own");
    return Caller{std::move(sae), std::move(*other)};
  }

  [[nodiscard]] ApiResult<SaeId> sae_of(const http::Request& request) const {
    if (!request.identity) return etsi014::unauthorized("no client certificate");
    auto sae = kme::sae_of(*request.identity, config_.sae_identity, config_.encryptors);
    if (sae) return std::move(*sae);
    ApiError error = etsi014::unauthorized("the certificate (" + request.identity->subject +
                                           ") names no SAE that this KME serves: " + sae.error().message);
    log_refused(request, error);
    return error;
  }

  // What the operator does not allow; the caller is the master or the only slave.
  [[nodiscard]] std::optional<ApiError> pair_fault(const http::Request& request, const SaeId& master,
                                                   const std::vector<SaeId>& slaves) const {
    std::vector<SaeId> refused;
    for (const SaeId& slave : slaves) {
      if (!config_.pairs.allows(master, slave)) refused.push_back(slave);
    }
    if (refused.empty()) return std::nullopt;
    ApiError error = etsi014::pair_not_allowed(master, refused);
    log_refused(request, error);
    return error;
  }

  void log_refused(const http::Request& request, const ApiError& error) const {
    if (const auto swallowed = log_budget_.spend(std::chrono::steady_clock::now())) {
      log::warning("{}: refused: {}{}", request.peer_address, error.message,
                   *swallowed > 0 ? " (and " + std::to_string(*swallowed) + " more)" : "");
    }
  }

  [[nodiscard]] static std::optional<ApiError> media_fault(const http::Request& request) {
    const std::string_view type = request.header("Content-Type");
    // What curl sends with -d when nobody tells it better; the body must be JSON all the same.
    const bool from_curl = type == "application/x-www-form-urlencoded";
    if (request.body.empty() || type.empty() || from_curl || etsi014::is_json_media_type(type))
      return std::nullopt;
    return etsi014::unsupported_media_type();
  }

  const KmeConfig& config_;
  KeyDelivery& delivery_;
  EventLoop& loop_;
  mutable http::LogBudget log_budget_;
  std::shared_ptr<RequestLimits> limits_;
};

}  // namespace

std::vector<http::Route> etsi_routes(const KmeConfig& config, KeyDelivery& delivery, EventLoop& loop) {
  const auto routes = std::make_shared<EtsiRoutes>(config, delivery, loop);
  std::vector<http::Route> all;
  std::vector<std::string> prefixes{""};
  if (!config.base_path.empty()) prefixes.push_back(config.base_path);
  for (const std::string& prefix : prefixes) {
    const std::string base = prefix + "/api/v1/keys/:sae/";
    all.push_back({"GET", base + "status", routes->handler(&EtsiRoutes::status)});
    for (const char* method : {"GET", "POST"}) {
      all.push_back({method, base + "enc_keys", routes->handler(&EtsiRoutes::enc_keys)});
      all.push_back({method, base + "dec_keys", routes->handler(&EtsiRoutes::dec_keys)});
    }
  }
  return all;
}

}  // namespace dske::kme
