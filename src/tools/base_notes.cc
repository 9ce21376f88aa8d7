#include "tools/base_notes.h"

#include <cstdint>
#include <set>

#include "base/utf8.h"
#include "source/access.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::tools {

std::vector<std::string> base_notes(const std::filesystem::path& path) {
  const Source source = open(path);
  const SourceState& state = *Access::state(source);
  std::vector<std::string> notes;
  std::set<std::string> labels;
  for (std::uint32_t row = 0; row < state.catalog.part_rows(); ++row) {
    const model::BaseRow* base = state.catalog.base(row);
    if (base == nullptr || base->label.empty() || !labels.insert(base->label).second) continue;
    const model::PartRow& part = state.catalog.part(row);
    try {
      state.part_source(part, part.recipe);
    } catch (const Error& error) {
      notes.push_back(utf8_of(path) + ": readers will not find the base by themselves (" + error.what() +
                      "): put one file with it beside this one, or give readers the base (bases=)");
    }
  }
  return notes;
}

}  // namespace zt::tools
