#include "ztensor/error.h"
#include "ztensor/scan.h"

namespace zt {

ScanReport scan(const ByteStore& /*store*/, std::string_view /*file_name*/) {
  throw Error(Code::unsupported, "format.unread",
              "this build of zTensor cannot scan pickles: use one that was made with ZTENSOR_FOREIGN=ON");
}

}  // namespace zt
