#include "grow/file_end.h"

namespace zt::grow {

void FileEnd::check_size(std::uint64_t end) const {
  if (end > kMaxSize) io::fail(EFBIG, file_.path(), "cannot grow");
}

void FileEnd::fail_live() const {
  io::fail_usage(file_.path(), "the end of the file was changed meanwhile: open the file again");
}

std::optional<std::uint64_t> find_former_end(Tail tail, const Live& live, const ByteStore& store) {
  return tail == Tail::footer ? find_footer_end(live, store) : find_sized_end(live, store);
}

}  // namespace zt::grow
