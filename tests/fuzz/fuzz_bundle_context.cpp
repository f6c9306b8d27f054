// A context has one encoding: bytes that are accepted are those that the context is encoded as.
#include <algorithm>
#include <cstdlib>

#include "dske/bundle_context.h"

using namespace dske;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto context = BundleContext::decode({data, size});
  if (!context) return 0;
  const Bytes encoded = context->encode();
  if (!context->check() || !std::equal(encoded.begin(), encoded.end(), data, data + size)) std::abort();
  return 0;
}
