#include "tools/inputs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/utf8.h"
#include "source/access.h"
#include "source/joined_files.h"
#include "source/state.h"
#include "ztensor/paths.h"

namespace zt::tools {
namespace {

// Why a tensor cannot be read: its own fault, or a missing shard.
std::optional<Error> cause_of(const Tensor& tensor) {
  if (auto cause = tensor.unreadable()) return cause;
  try {
    for (std::size_t i = 0; i < tensor.parts(); ++i) {
      const Part part = tensor.part(i);
      Access::state(part)->store_of(source::row_of(part).recipe);
    }
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace

Inputs::Inputs(std::span<const std::filesystem::path> paths, const OpenOptions& options, bool joins) : paths_(paths) {
  for (const std::filesystem::path& path : paths) {
    Source source = open(path, options);
    sources_.push_back(joins ? source::among_others(std::move(source), options) : std::move(source));
  }
}

std::uint64_t Inputs::stored_size() const {
  std::uint64_t size = 0;
  for (const Source& source : sources_) {
    size = checked::add_up(size, source.stored_size());
    size = checked::add_up(size, source.shards_size());
  }
  return size;
}

std::vector<std::string> Inputs::notes() const {
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    for (const std::string& note : sources_[i].notes()) notes.push_back(utf8_of(paths_[i]) + ": " + note);
  }
  return notes;
}

std::vector<Inputs::Chosen> Inputs::choose(const std::function<bool(std::string_view)>& wanted,
                                           const std::function<void(const Chosen&, const Error&)>& skip) const {
  std::vector<Chosen> chosen;
  std::map<std::string_view, std::uint32_t> owners;  // views of names that sources_ keep alive
  for (std::uint32_t i = 0; i < sources_.size(); ++i) {
    for (const Tensor tensor : sources_[i]) {
      if (!wanted(tensor.name())) continue;
      if (const auto cause = cause_of(tensor)) {
        skip({i, tensor}, *cause);
        continue;
      }
      const auto [owner, added] = owners.emplace(tensor.name(), i);
      if (!added) {
        throw Error(Code::usage, "",
                    "tensor " + in_quotes(tensor.name()) + " is in both " + utf8_of(paths_[owner->second]) + " and " +
                        utf8_of(paths_[i]));
      }
      chosen.push_back({i, tensor});
    }
  }
  return chosen;
}

std::uint64_t work_of(const Tensor& tensor, bool recoded) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 50;
  std::uint64_t work = 0;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const Part part = tensor.part(i);
    const std::uint64_t stored = part.stored_length();
    work += std::min(recoded ? part.length().value_or(stored) : stored, kMost);
  }
  return work;
}

}  // namespace zt::tools
