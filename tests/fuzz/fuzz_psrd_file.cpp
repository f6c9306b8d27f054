// A file that is accepted is written back as one that is accepted and written the same.
#include <cstdlib>

#include "psrdfile/psrd_file.h"

using namespace dske;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = PsrdFile::parse(as_text({data, size}));
  if (!file) return 0;
  if (!file->layout.check() || file->data.size() != file->layout.total()) std::abort();
  const SecretBytes written = file->write();
  const auto again = PsrdFile::parse(written.text());
  if (!again || again->write().text() != written.text()) std::abort();
  return 0;
}
