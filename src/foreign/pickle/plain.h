#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foreign/pickle/census.h"
#include "foreign/pickle/records.h"
#include "ztensor/value.h"

namespace zt::foreign::pickle {

// What a reader of the file should know: each note once, and not too many of them.
class Notes {
 public:
  void add(std::string note);
  std::vector<std::string> take();

 private:
  std::set<std::string> seen_;
  std::vector<std::string> notes_;
  std::uint64_t more_ = 0;
};

// The number that a call of numpy's scalar() makes. Empty if no attribute can have it. Throws what is wrong with its dtype.
std::optional<Value> scalar_value(const Records& records, Id call);

// The global that an unknown object names, for messages: "argparse.Namespace".
std::string object_name(const Records& records, Id node);

// Makes attributes of plain values: of containers without tensors, too. What an attribute cannot hold is left out with a
// note.
class PlainReader {
 public:
  PlainReader(const Records& records, Budget& budget, Notes& notes)
      : records_(records), budget_(budget), notes_(notes) {}
  // Empty if the value as a whole is left out. `path` is for notes.
  std::optional<Value> read(Id node, std::string_view path);

 private:
  struct Frame {  // a container that is being read
    bool is_dict = false;
    std::vector<std::pair<std::string, Id>> entries;
    std::size_t next = 0;
    Value::Array items = {};
    Value::Map members = {};
  };
  bool take(std::uint64_t values);
  Frame open(Id container, std::string_view path);
  std::optional<Value> leaf(Id node, std::string_view path);
  std::optional<Value> known_leaf(Id node) const;
  std::optional<Value> call_value(Id call) const;
  std::optional<Value> big_integer(Id node) const;
  Value spent(std::string name) const;  // the name as a value, for which the budget has paid

  const Records& records_;
  Budget& budget_;
  Notes& notes_;
  static constexpr std::uint64_t kMostValues = std::uint64_t{1}
                                               << 18;  // each takes a hundred times its bytes in memory
  std::uint64_t values_left_ = kMostValues;
};

}  // namespace zt::foreign::pickle
