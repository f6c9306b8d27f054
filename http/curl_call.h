// One HTTP call on one libcurl easy handle: its options, its answer while it arrives, and what went wrong.
// Internal to http/: with the files that include it, the only place that sees libcurl.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <curl/curl.h>
#include <openssl/types.h>

#include "base/result.h"
#include "http/client.h"

namespace dske::http {

/// Sets libcurl up for the process, once; it wipes what it frees from then on. Thread-safe.
void init_curl();

/// An easy handle that is used for one call after the other, so that its buffers and TLS sessions are kept.
/// Not thread-safe.
class CurlCall {
 public:
  CurlCall();
  ~CurlCall();
  CurlCall(const CurlCall&) = delete;
  CurlCall& operator=(const CurlCall&) = delete;

  /// Gets the handle ready to carry out `call`, which must stay as it is until finish(). ErrorKind::invalid
  /// for a method, header or TLS configuration that cannot be sent. A connection that is older than
  /// `oldest_connection` is not used for it, nor a TLS session from before.
  [[nodiscard]] Result<void> begin(const Call& call,
                                   std::optional<std::chrono::seconds> oldest_connection = {});
  /// What came of it, once libcurl has ended the transfer with `code`. Call it once per begin().
  [[nodiscard]] Result<Answer> finish(CURLcode code);

  [[nodiscard]] CURL* handle() const { return handle_.get(); }

 private:
  struct Cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  void set_transport(const Call& call);
  void set_tls(const TlsClientConfig& tls);
  void set_method(const Call& call);
  void add_header(const std::string& line);
  [[nodiscard]] Error failure(CURLcode code) const;
  void set_oldest_connection(std::chrono::seconds most);
  // libcurl's callbacks; the last parameter (the first of on_request) is the CurlCall.
  static CURLcode on_context(CURL* handle, void* context, void* self);
  [[nodiscard]] bool prepare(SSL_CTX* context);
  static std::size_t on_head(const char* line, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(const char* bytes, std::size_t size, std::size_t count, void* self);
  static int on_request(void* self, char* peer, char* own, int peer_port, int own_port);
  [[nodiscard]] bool check_peer();
  [[nodiscard]] bool take_head_line(std::string_view line);

  std::unique_ptr<CURL, Cleanup> handle_;
  std::unique_ptr<curl_slist, Cleanup> headers_;
  const Call* call_ = nullptr;
  Answer answer_;
  std::size_t head_bytes_ = 0;
  bool head_complete_ = false;
  bool too_long_ = false;
  bool sent_ = false;
  std::string refusal_;  // why the server is not the peer that was to be called
  std::array<char, CURL_ERROR_SIZE> cause_{};
};

}  // namespace dske::http
