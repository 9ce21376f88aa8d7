#pragma once

#include <string_view>

namespace zt::wire {

// Whether UTF-8 text is in Unicode's normal form NFC.
bool is_nfc(std::string_view text);

}  // namespace zt::wire
