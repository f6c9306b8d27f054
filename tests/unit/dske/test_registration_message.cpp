// Registrations and their answers: read back as they were written, and everything else is refused.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "dske/registration_message.h"
#include "fixed_randomness.h"
#include "sample_messages.h"

namespace dske {
namespace {

using test::kBlock;
using test::kOther;
using test::replaced;

RegistrationRequest registration() {
  RegistrationRequest request;
  request.client = *ClientName::parse("carol");
  request.number = 7;
  request.sae_ids = {*SaeId::parse("carol"), *SaeId::parse("other")};
  request.polling_key = {{*BlockId::parse(kBlock), 96, 32}};
  request.blocks = {{*BlockId::parse(kBlock), {128, 65536}, {524320, 589824}},
                    {*BlockId::parse(kOther), {1, 2}, {3, 4}}};
  return request;
}

TEST_CASE("registrations: read back as they are written, and each fault is refused") {
  const SecretBytes written = registration().write();
  const std::string text(written.text());
  const auto read = RegistrationRequest::parse(text);
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->write().text() == text);
  CHECK(read->blocks[0].own == PerZone<std::uint64_t>{128, 65536});
  CHECK(read->blocks[0].seen == PerZone<std::uint64_t>{524320, 589824});
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"protocol_version\":1", "\"protocol_version\":2"},
           {"\"client_name\":\"carol\"", "\"client_name\":7"},
           {"\"registration_number\":7", "\"registration_number\":0"},
           {"\"registration_number\":7", "\"registration_number\":9223372036854775808"},
           {"\"sae_ids\":[\"carol\"", "\"sae_ids\":[\"\""},
           {"\"sae_ids\":[\"carol\"", "\"sae_ids\":[null"},
           {"\"size\":32", "\"size\":31"},
           {"\"size\":32", "\"size\":64"},
           {"\"client_pad\":65536", "\"client_pad\":-1"},
           {"\"client_pad\":65536", "\"client_pad\":281474976710656"},
           {"\"client_pad\":65536,", ""},
           {"\"hub_pad_seen\":4", "\"hub_pad_seen\":4,\"more\":1"},
           {"{\"protocol", "{\"more\":1,\"protocol"},
       }) {
    const auto& shown_from = from;
    CAPTURE(shown_from);
    const auto& shown_to = to;
    CAPTURE(shown_to);
    CHECK_FALSE(RegistrationRequest::parse(replaced(text, from, to)));
  }
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK_FALSE(RegistrationRequest::parse(std::string_view(text).substr(0, length)));
  }
}

TEST_CASE("registration answers: read back as they are written, and what a later version adds is ignored") {
  test::ReproducibleRandomness randomness(9);
  RegistrationAnswer answer;
  answer.hub_id = HubId::random(randomness);
  answer.hub_name = *HubName::parse("hank");
  answer.epoch = Epoch::random(randomness);
  answer.sae_ids = {*SaeId::parse("carol")};
  answer.refused_sae_ids = {*SaeId::parse("other")};
  answer.limits = {1048608, 604800, 64};
  answer.blocks = registration().blocks;
  answer.unknown_blocks = {*BlockId::parse(kOther)};
  const SecretBytes written = answer.write();
  const std::string text(written.text());
  const auto read = RegistrationAnswer::parse(text);
  REQUIRE_MESSAGE(read.has_value(), read.error().message);
  CHECK(read->write().text() == text);
  CHECK(RegistrationAnswer::parse(replaced(text, "{\"protocol", "{\"more\":1,\"protocol")));
  CHECK(RegistrationAnswer::parse(replaced(text, "\"slaves\":64", "\"slaves\":64,\"more\":1")));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"protocol_version\":1", "\"protocol_version\":2"},
           {"\"hub_name\":\"hank\"", "\"hub_name\":\"\""},
           {"\"epoch\":\"", "\"epoch\":\"x"},
           {"\"share_bytes\":1048608", "\"share_bytes\":0"},
           {"\"limits\":{", "\"limits\":{\"slaves\":1,"},
           {"\"hub_pad\":2", "\"hub_pad\":\"2\""},
           {"\"unknown_blocks\":[", "\"unknown_blocks\":[\"\","},
       }) {
    const auto& shown_from = from;
    CAPTURE(shown_from);
    CHECK_FALSE(RegistrationAnswer::parse(replaced(text, from, to)));
  }
}

}  // namespace
}  // namespace dske
