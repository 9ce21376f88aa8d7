#include "source/merged_attributes.h"

namespace zt::source {

MergedAttributes::Taken MergedAttributes::take(const Value& key, const Value& value) {
  if (key.text() == nullptr) return Taken::no_text;
  const auto [place, added] = places_.emplace(*key.text(), members_.size());
  if (added) members_.emplace_back(key, value);
  return added || members_[place->second].second == value ? Taken::kept : Taken::differs;
}

}  // namespace zt::source
