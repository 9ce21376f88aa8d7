#include "wire/normal_form.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include <utf8proc.h>

namespace zt::wire {

bool is_nfc(std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return true;
  utf8proc_uint8_t* composed = nullptr;
  constexpr auto kForm = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                               static_cast<utf8proc_ssize_t>(text.size()), &composed, kForm);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  if (length == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (length < 0) return false;
  return text == std::string_view(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(length));
}

}  // namespace zt::wire
