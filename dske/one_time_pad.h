// The one-time pad: perfect secrecy as long as a pad is random, secret and used once. Whoever owns the pad
// wipes it.
#pragma once

#include "base/bytes.h"

namespace dske {

/// text ^= pad: encrypts, and applied again decrypts. REQUIRES: both have one size (else the process ends:
/// the rest of the text would stay in clear).
void apply_pad(MutableByteView text, ByteView pad) noexcept;

}  // namespace dske
