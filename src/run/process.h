#pragma once

#include <cstdint>

namespace zt::run {

std::int64_t process_id() noexcept;

}  // namespace zt::run
