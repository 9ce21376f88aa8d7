#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "ztensor/value.h"

namespace zt::source {

// The merged file attributes of several files: the first of each key.
class MergedAttributes {
 public:
  // differs: from an earlier value of the key; no_text: the key is not text.
  enum class Taken { kept, differs, no_text };
  Taken take(const Value& key, const Value& value);
  const Value::Map& members() const { return members_; }

 private:
  Value::Map members_;
  std::map<std::string, std::size_t, std::less<>> places_;  // of each key in members_
};

}  // namespace zt::source
