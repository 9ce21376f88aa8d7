#include "bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "platform.h"
#include "signals.h"
#include "terminal.h"

namespace cli {
namespace {

constexpr double kPatience = 0.3;  // seconds before the bar appears: it should not just flash
constexpr double kSteady = 1;      // seconds before the time that is left can be told

void put(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

Bar::Bar(bool quiet) : start_(std::chrono::steady_clock::now()), visible_(!quiet && has_terminal()) {
  catch_interrupts();
}

Bar::~Bar() {
  if (drawn_ != 0) put("\r" + std::string(drawn_, ' ') + "\r");
}

double Bar::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

zt::Progress Bar::callback() {
  return [this](std::uint64_t done, std::uint64_t total) {
    if (visible_ && seconds() > kPatience) draw(done, total);
    return interrupted() == 0;
  };
}

void Bar::draw(std::uint64_t done, std::uint64_t total) {
  const double share = total == 0 ? 1 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const double passed = seconds();
  std::string numbers =
      fmt::format(" {:3.0f}%  {} of {}  {}", share * 100, size_text(done), size_text(total), rate_text(done, passed));
  if (passed > kSteady && share < 1) numbers += "  " + left_text(share, passed);
  const std::size_t room = terminal_columns() - 1;  // the last column would wrap in some terminals
  std::string line;
  if (room > numbers.size() + 12) {
    const std::size_t width = std::min<std::size_t>(room - numbers.size() - 2, 40);
    const auto full = static_cast<std::size_t>(share * static_cast<double>(width));
    line = "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
  }
  line += numbers;
  line.resize(std::min(line.size(), room));
  line.resize(std::max(line.size(), std::min(drawn_, room)), ' ');  // spaces over a longer old line
  put("\r" + line);
  drawn_ = line.size();
}

}  // namespace cli
