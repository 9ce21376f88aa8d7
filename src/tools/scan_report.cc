#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "io/file.h"
#include "tools/in_file.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"
#include "ztensor/scan.h"

namespace zt {
namespace {

std::string quoted_or_null(const std::string& text) { return text.empty() ? "null" : json_quote(text); }
std::string json_boolean(bool value) { return value ? "true" : "false"; }

std::string global_json(const ScannedGlobal& global) {
  return R"({"module": )" + json_quote(global.module) + R"(, "name": )" + json_quote(global.name) + R"(, "risk": )" +
         json_quote(risk_name(global.risk)) + R"(, "called": )" + json_boolean(global.called) + R"(, "offset": )" +
         std::to_string(global.offset) + R"(, "count": )" + std::to_string(global.count) + "}";
}

template <class Items, class F>
std::string json_array(const Items& items, F&& text) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ", ") + text(items[i]);
  return out + "]";
}

}  // namespace

ScanReport scan(const std::filesystem::path& path) {
  return tools::in_file(path, [&] { return scan(*io::File::open(path), utf8_of(path)); });
}

std::string_view risk_name(Risk risk) noexcept {
  constexpr std::array<std::string_view, 3> kRisks = {"inert", "unknown", "danger"};
  return kRisks[static_cast<std::size_t>(risk)];
}

std::string scan_json(std::string_view file, const ScanReport& report) {
  const auto pickle_json = [](const ScannedPickle& one) {
    return R"({"member": )" + quoted_or_null(one.member) + R"(, "offset": )" + std::to_string(one.offset) +
           R"(, "nested": )" + json_boolean(one.nested) + R"(, "globals": )" + json_array(one.globals, global_json) +
           R"(, "fault": )" + quoted_or_null(one.fault) + "}";
  };
  return R"({"file": )" + json_quote(file) + R"(, "risk": )" + json_quote(risk_name(report.risk)) + R"(, "pickles": )" +
         json_array(report.pickles, pickle_json) + R"(, "faults": )" + json_array(report.faults, json_quote) + "}";
}

}  // namespace zt
