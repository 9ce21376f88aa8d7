#pragma once

#include <CLI/App.hpp>
#include <string>

#include "ztensor/error.h"

namespace cli {

// The text of an error, and behind it a hint if the chosen command has an option that helps.
std::string text_with_hint(const zt::Error& error, const CLI::App& app);

}  // namespace cli
