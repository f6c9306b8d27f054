#include "manager/pki_command.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/core.h>

#include "base/clock.h"
#include "base/json.h"
#include "manager/console.h"
#include "manager/pki.h"
#include "manager/provisioning.h"

namespace dske::manager {
namespace {

// The subjects that were named, or all.
Result<std::vector<Subject>> named_subjects(const Network& network, const std::vector<std::string>& names) {
  std::vector<Subject> all = subjects_of(network, {});
  if (names.empty()) return all;
  std::vector<Subject> named;
  for (const std::string& name : names) {
    const auto subject =
        std::find_if(all.begin(), all.end(), [&](const Subject& s) { return s.title() == name; });
    if (subject == all.end()) {
      return Error{ErrorKind::not_found, name + " is not kme/NAME or sae/SAE_ID of " +
                                             network.topology().file.string() + "; `pki list` shows them"};
    }
    named.push_back(*subject);
  }
  return named;
}

void print_table(const std::vector<ListedCertificate>& certificates) {
  std::size_t width = 7;
  for (const ListedCertificate& certificate : certificates) width = std::max(width, certificate.title.size());
  say(fmt::format("{:<{}}  {:<20}  {}", "SUBJECT", width, "EXPIRES", "FILE"));
  for (const ListedCertificate& certificate : certificates) {
    const bool exists = !certificate.serial.empty();
    say(fmt::format("{:<{}}  {:<20}  {}{}", certificate.title, width,
                    exists ? utc_text(certificate.expires) : "-", certificate.file.string(),
                    certificate.problem.empty() ? "" : "  (" + certificate.problem + ")"));
  }
}

void write_certificate(json::Writer& writer, const ListedCertificate& certificate) {
  writer.begin_object()
      .name("subject")
      .string(certificate.title)
      .name("file")
      .string(certificate.file.string());
  writer.name("serial").string(certificate.serial).name("expires");
  certificate.serial.empty() ? writer.null() : writer.string(utc_text(certificate.expires));
  writer.name("problem").string(certificate.problem).end_object();
}

// The first one is the CA's.
std::string certificates_json(const std::vector<ListedCertificate>& certificates) {
  json::Writer writer;
  writer.begin_object().name("ca");
  write_certificate(writer, certificates.front());
  writer.name("certificates").begin_array();
  for (std::size_t i = 1; i < certificates.size(); ++i) write_certificate(writer, certificates[i]);
  writer.end_array().end_object();
  return writer.take_text();
}

Result<void> init(const Pki& pki) {
  std::error_code ignored;
  const bool has_list = std::filesystem::exists(pki.crl_file(), ignored);
  auto made = pki.init(Pki::MissingList::make_an_empty_one);
  if (!made) return made.error();
  say((*made ? "Made the CA " : "There is a CA already: ") + pki.ca_file().string());
  if (!*made && !has_list) say("Made an empty revocation list " + pki.crl_file().string());
  return {};
}

Result<void> issue(const Pki& pki, const std::vector<Subject>& subjects, PkiAction action) {
  std::vector<Subject> issued = subjects;
  std::vector<ListedCertificate> replaced;
  if (action == PkiAction::renew) {
    // Afterwards nobody could tell their serial numbers any more.
    if (const auto before = pki.list(subjects))
      replaced.assign(before->begin() + 1, before->end());  // the first one is the CA's
  }
  if (action == PkiAction::issue) {
    auto missing = pki.issue_missing(subjects);
    if (!missing) return missing.error();
    issued = std::move(*missing);
  } else if (auto done = pki.issue(subjects); !done) {
    return done;
  }
  for (const Subject& subject : issued) {
    say("Issued " + subject.title() + ": " + pki.certificate_file(subject.kind, subject.name).string());
  }
  for (const ListedCertificate& certificate : replaced) {
    if (!certificate.serial.empty())
      say("The former one of " + certificate.title + " is good until it expires, or `pki revoke serial/" +
          certificate.serial + "`");
  }
  if (issued.empty()) say("Every certificate is in order");
  return {};
}

Result<void> revoke(const Pki& pki, const Network& network, const std::vector<std::string>& names) {
  constexpr std::string_view kSerial = "serial/";
  std::vector<std::string> titles;
  std::vector<std::string> serials;
  for (const std::string& name : names) {
    if (name.starts_with(kSerial)) {
      serials.push_back(name.substr(kSerial.size()));
    } else {
      titles.push_back(name);
    }
  }
  std::vector<Subject> subjects;
  if (!titles.empty()) {
    auto named = named_subjects(network, titles);
    if (!named) return named.error();
    subjects = std::move(*named);
  }
  if (auto done = pki.revoke(subjects, serials); !done) return done;
  for (const std::string& name : names) say("Revoked " + name);
  say("KMEs of this host heed it within seconds; other hosts need the new " + pki.crl_file().string());
  return {};
}

}  // namespace

Result<void> run_pki_command(const Network& network, const CommandLine& line) {
  const Pki pki(network.pki_directory());
  if (line.pki_action == PkiAction::init) return init(pki);
  if (line.pki_action == PkiAction::revoke) return revoke(pki, network, line.subjects);
  auto subjects = named_subjects(network, line.subjects);
  if (!subjects) return subjects.error();
  if (line.pki_action != PkiAction::list) return issue(pki, *subjects, line.pki_action);
  auto certificates = pki.list(*subjects);
  if (!certificates) return certificates.error();
  if (line.json) {
    say(certificates_json(*certificates));
  } else {
    print_table(*certificates);
  }
  return {};
}

}  // namespace dske::manager
