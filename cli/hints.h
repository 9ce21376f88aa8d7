#pragma once

#include <CLI/App.hpp>
#include <string>

#include "ztensor/error.h"

namespace cli {

// What an error says, and behind that what the command that was chosen offers against it.
std::string text_with_hint(const zt::Error& error, const CLI::App& app);

}  // namespace cli
