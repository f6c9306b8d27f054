#include "http/tls_source.h"

#include <utility>

#include "base/log.h"

namespace dske::http {
namespace {

constexpr std::chrono::hours kTicketKeysLast{1};
constexpr std::chrono::minutes kRetryAfter{1};

}  // namespace

Result<std::unique_ptr<TlsSource>> TlsSource::open(TlsServerConfig config, std::string name) {
  std::unique_ptr<TlsSource> source(new TlsSource(std::move(config), std::move(name)));
  // Taken before the files are read: one that changes meanwhile is read again.
  source->loaded_ = source->seen_ = source->stamps();
  auto context = TlsContext::load(source->config_, source->name_, 1);
  if (!context) return context.error();
  source->use(std::move(*context), 1, std::chrono::steady_clock::now());
  return source;
}

std::shared_ptr<const TlsContext> TlsSource::current() const {
  const MutexLock lock(mutex_);
  return context_;
}

void TlsSource::use(std::shared_ptr<const TlsContext> context, std::uint64_t generation, Time now) {
  // First, so that no connection of before is served when one of now is refused already.
  generation_.store(generation, std::memory_order_release);
  {
    const MutexLock lock(mutex_);
    context_ = std::move(context);
  }
  tried_ = now;
  failed_ = false;
}

void TlsSource::refresh(Time now) {
  std::vector<FileStamp> stamps = this->stamps();
  const bool still = stamps == seen_;
  const bool changed = stamps != loaded_;
  seen_ = stamps;
  if (changed && !still) return;  // somebody is still writing, the key after the certificate for example
  if (!changed && now - tried_ < (failed_ ? Duration(kRetryAfter) : Duration(kTicketKeysLast))) return;
  const bool is_news = changed || failed_;
  const std::uint64_t generation = this->generation() + (is_news ? 1 : 0);
  loaded_ = std::move(stamps);
  auto context = TlsContext::load(config_, name_, generation);
  if (!context) {
    tried_ = now;
    failed_ = true;
    log::error("{}: the certificates cannot be loaded anew and stay as they were: {}", name_,
               context.error().message);
    return;
  }
  const std::string description = (*context)->description();
  use(std::move(*context), generation, now);
  if (is_news) log::info("{}: certificates loaded anew: {}", name_, description);
}

std::vector<FileStamp> TlsSource::stamps() const {
  std::vector<std::string> files = {config_.certificate_file, config_.key_file};
  files.insert(files.end(), config_.client_ca_files.begin(), config_.client_ca_files.end());
  files.insert(files.end(), config_.client_crl_files.begin(), config_.client_crl_files.end());
  return stamps_of(files);
}

}  // namespace dske::http
