#include <span>
#include <utility>
#include <vector>

#include "base/count_text.h"
#include "foreign/gguf/gguf.h"
#include "source/split_set.h"
#include "ztensor/error.h"
#include "ztensor/value.h"

namespace zt::source {
namespace {

// The attributes without those that describe the split, which the joined model no longer has.
std::vector<std::byte> without_split(std::span<const std::byte> attributes, std::uint32_t depth) {
  const Value all = Value::parse(attributes, depth);
  Value::Map kept;
  if (all.members() == nullptr) return {attributes.begin(), attributes.end()};
  for (const auto& member : *all.members()) {
    if (member.first.text() == nullptr || !member.first.text()->starts_with("split.")) kept.push_back(member);
  }
  return Value(std::move(kept)).encode();
}

}  // namespace

void SplitCheck::check(model::Catalog& catalog, unsigned number) {
  const auto split = foreign::gguf::split_of(catalog.attributes);
  tensors_ += catalog.size();
  if (!split) return;
  const auto expect = [](std::optional<std::uint64_t> found, std::uint64_t expected, const char* what) {
    if (!found || *found == expected) return;
    throw Error(Code::malformed, "index.split",
                std::string(what) + " is " + std::to_string(*found) +
                    ", but the names of the files, or the files before, say " + std::to_string(expected));
  };
  expect(split->number, number - 1, "split.no");
  expect(split->count, count_, "split.count");
  if (split->tensors && wanted_) expect(split->tensors, *wanted_, "split.tensors.count");
  if (split->tensors) wanted_ = split->tensors;
  std::erase(catalog.notes, foreign::gguf::note_of(*split));
  // The first file has the attributes of the model.
  catalog.attributes = number == 1 ? without_split(catalog.attributes, depth_) : std::vector<std::byte>();
}

void SplitCheck::finish() const {
  if (!wanted_ || *wanted_ == tensors_) return;
  throw Error(
      Code::malformed, "index.split",
      "split.tensors.count is " + std::to_string(*wanted_) + ", but the files have " + count_text(tensors_, "tensor"));
}

}  // namespace zt::source
