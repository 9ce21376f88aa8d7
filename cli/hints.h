#pragma once

#include <CLI/App.hpp>
#include <string>

#include "ztensor/error.h"

namespace cli {

// The text of an error, with options in the spelling of the chosen command, and behind it a hint if the command has an
// option that helps.
std::string text_with_hint(const zt::Error& error, const CLI::App& app);

}  // namespace cli
