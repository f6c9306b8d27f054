#include "hub/noise_source.h"

#include <utility>

#include <fmt/core.h>

#include "base/secret.h"

namespace dske::hub {

NoiseSource::NoiseSource(NoiseSourceConfig config, std::filesystem::path used_file)
    : config_(std::move(config)),
      used_file_(std::move(used_file)),
      cutoffs_(HealthTestCutoffs::of(config_.min_entropy_per_byte, config_.false_alarm_exponent)),
      tests_(cutoffs_) {}

Result<void> NoiseSource::prepare() {
  if (input_) return {};
  auto opened = NoiseInput::open(config_.source, used_file_);
  if (!opened) return opened.error().within("the source of randomness");
  input_ = std::move(*opened);
  tests_ = HealthTests(cutoffs_);
  SecretBytes samples(kStartUpSamples);
  return read_tested(samples.span());
}

Result<void> NoiseSource::fill(MutableByteView bytes) {
  if (auto prepared = prepare(); !prepared) {
    wipe(bytes);
    return prepared;
  }
  return read_tested(bytes);
}

Result<void> NoiseSource::read_tested(MutableByteView bytes) {
  Result<void> done = input_->read(bytes, {config_.patience, given_up_});
  if (!done) {
    done = done.error().within("the source of randomness");
  } else if (const auto failure = tests_.look_at(bytes); failure != HealthTests::Failure::none) {
    done = failure_error(failure);
  }
  if (!done) {
    wipe(bytes);
    input_.reset();
  }
  return done;
}

Error NoiseSource::failure_error(HealthTests::Failure failure) const {
  const std::string what =
      failure == HealthTests::Failure::repetition_count
          ? fmt::format("the repetition count test (SP 800-90B 4.4.1: {} equal bytes in a row)",
                        cutoffs_.repetition)
          : fmt::format("the adaptive proportion test (SP 800-90B 4.4.2: {} equal bytes among {})",
                        cutoffs_.proportion, HealthTestCutoffs::kWindow);
  return {
      ErrorKind::unavailable,
      fmt::format("the source of randomness {} failed {}: it gives less than {} bits of entropy per byte; "
                  "repair or replace it, no PSRD is made before it passes its start-up test",
                  config_.source.string(), what, config_.min_entropy_per_byte)};
}

}  // namespace dske::hub
