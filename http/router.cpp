#include "http/router.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include <pistache/http.h>
#include <pistache/peer.h>
#include <pistache/router.h>

#include "base/log.h"

namespace dske::http {
namespace {

namespace px = Pistache;

struct MethodName {
  std::string_view name;
  px::Http::Method method;
};

/// The methods of Route, in the order in which Allow lists them.
constexpr std::array<MethodName, 4> kMethods = {{{"GET", px::Http::Method::Get},
                                                 {"POST", px::Http::Method::Post},
                                                 {"PUT", px::Http::Method::Put},
                                                 {"DELETE", px::Http::Method::Delete}}};

std::optional<px::Http::Method> method_named(std::string_view name) {
  for (const MethodName& known : kMethods) {
    if (known.name == name) return known.method;
  }
  return std::nullopt;
}

/// A pattern as Pistache's router gets it: its parameters are named by their position, so that patterns that
/// differ in names alone are the same resource.
struct Pattern {
  std::string text;
  std::size_t parameters = 0;
};

std::string parameter_name(std::size_t position) {
  return ":" + std::to_string(position);
}

Result<Pattern> canonical_pattern(std::string_view pattern) {
  const Error malformed = invalid("the route pattern " + std::string(pattern) + " is malformed");
  Pattern canonical;
  if (pattern == "/") return Pattern{"/", 0};
  while (!pattern.empty()) {
    if (pattern.front() != '/') return malformed;
    pattern.remove_prefix(1);
    const std::string_view segment = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(segment.size());
    if (segment.empty() || segment == ":" || segment.find_first_of("?*#") != std::string_view::npos)
      return malformed;
    canonical.text += '/';
    if (segment.front() == ':') {
      canonical.text += parameter_name(canonical.parameters++);
    } else {
      canonical.text += segment;
    }
  }
  if (canonical.text.empty()) return malformed;
  return canonical;
}

/// Pistache's router would merge slashes and drop a trailing one; here those are other paths, which nobody
/// serves.
bool has_empty_segment(std::string_view path) {
  return path.find("//") != std::string_view::npos || (path.size() > 1 && path.back() == '/');
}

std::string allow_list(const std::vector<std::string_view>& methods) {
  std::string list;
  for (const MethodName& known : kMethods) {
    if (std::find(methods.begin(), methods.end(), known.name) == methods.end()) continue;
    list += std::string(known.name) + ", ";
    if (known.name == "GET") list += "HEAD, ";
  }
  return list + "OPTIONS";
}

/// Pistache wants one wherever it wants a transport or a response; nothing calls it.
class UnusedHandler final : public px::Http::Handler {
 public:
  HTTP_PROTOTYPE(UnusedHandler)
  void onRequest(const px::Http::Request& /*request*/, px::Http::ResponseWriter /*writer*/) override {}
};

}  // namespace

struct Router::Content {
  Content(std::shared_ptr<const Routes> the_routes, std::size_t most_path_bytes)
      : routes(std::move(the_routes)),
        parser(most_path_bytes + 64),
        writer(px::Http::Version::Http11, nullptr, &unused, std::weak_ptr<px::Tcp::Peer>()) {}

  /// Lets the router run the handlers below, which note what they are in `found`. False if nothing matched.
  bool route(std::string_view method, std::string_view path);
  void add(const Pattern& pattern, px::Http::Method method, const Handler* handler, const std::string& allow);

  std::shared_ptr<const Routes> routes;
  UnusedHandler unused;
  px::Http::RequestParser parser;
  px::Http::ResponseWriter writer;
  px::Rest::Router router;
  Match found;
  bool missed = false;
};

bool Router::Content::route(std::string_view method, std::string_view path) {
  std::string canonical;
  canonical.reserve(method.size() + path.size() + 16);
  canonical.append(method).append(" ").append(path).append(" HTTP/1.1\r\n\r\n");
  found = Match();
  missed = false;
  parser.reset();
  if (!parser.feed(canonical.data(), canonical.size())) return false;
  if (parser.parse() != px::Http::Private::State::Done) return false;
  router.route(parser.request, writer.clone());
  return !missed;
}

void Router::Content::add(const Pattern& pattern, px::Http::Method method, const Handler* handler,
                          const std::string& allow) {
  const std::size_t parameters = pattern.parameters;
  router.addRoute(
      method, pattern.text,
      [this, handler, allow, parameters](const px::Rest::Request& request, const px::Http::ResponseWriter&) {
        found.handler = handler;
        found.allow = allow;
        for (std::size_t i = 0; i < parameters; ++i) {
          found.parameters.push_back(request.param(parameter_name(i)).as<std::string>());
        }
        return px::Rest::Route::Result::Ok;
      });
}

Router::Router(std::unique_ptr<Content> content) : content_(std::move(content)) {}

Router::~Router() = default;

Result<std::unique_ptr<Router>> Router::make(std::shared_ptr<const Routes> routes,
                                             std::size_t most_path_bytes) {
  auto content = std::make_unique<Content>(std::move(routes), most_path_bytes);
  std::map<std::string, std::vector<std::string_view>> methods_of_pattern;
  try {
    for (const Route& route : *content->routes) {
      const Result<Pattern> pattern = canonical_pattern(route.pattern);
      if (!pattern) return pattern.error();
      const std::optional<px::Http::Method> method = method_named(route.method);
      if (!method) return invalid("no route can have the method " + route.method);
      std::vector<std::string_view>& methods = methods_of_pattern[pattern->text];
      if (std::find(methods.begin(), methods.end(), route.method) != methods.end()) {
        return invalid("the route " + route.method + " " + route.pattern + " occurs twice");
      }
      methods.push_back(route.method);
      content->add(*pattern, *method, &route.handler, {});
    }
    // Every known path answers OPTIONS, and is found by it when a method has missed.
    for (const auto& [pattern, methods] : methods_of_pattern) {
      content->add(Pattern{pattern, 0}, px::Http::Method::Options, nullptr, allow_list(methods));
    }
  } catch (const std::exception& error) {
    return Error{ErrorKind::internal, std::string("the routes cannot be set up: ") + error.what()};
  }
  content->router.addCustomHandler(
      [state = content.get()](const px::Rest::Request&, const px::Http::ResponseWriter&) {
        state->missed = true;
        return px::Rest::Route::Result::Ok;
      });
  return std::unique_ptr<Router>(new Router(std::move(content)));
}

Router::Match Router::find(std::string_view method, std::string_view path) {
  if (path.empty() || path.front() != '/' || has_empty_segment(path)) return {};
  try {
    const std::string_view looked_up = method == "HEAD" ? "GET" : method;
    if (method_named(looked_up) && content_->route(looked_up, path)) return std::move(content_->found);
    if (content_->route("OPTIONS", path)) return std::move(content_->found);
  } catch (const std::exception& error) {
    log::error("a request's route cannot be looked up: {}", error.what());
  }
  return {};
}

bool is_known_method(std::string_view method) {
  return method_named(method).has_value() || method == "HEAD" || method == "OPTIONS" || method == "PATCH" ||
         method == "TRACE";
}

}  // namespace dske::http
