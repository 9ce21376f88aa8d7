#include "foreign/pickle/leaves.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "foreign/pickle/census.h"
#include "foreign/pickle/keys.h"
#include "foreign/pickle/names.h"
#include "foreign/pickle/plain.h"
#include "wire/cbor.h"

namespace zt::foreign::pickle {
namespace {

constexpr std::string_view kStructure = "ztensor.structure";
constexpr std::string_view kState = "ztensor.pickle.state.";
constexpr std::string_view kOpaque = "ztensor.pickle.objects";
constexpr std::string_view kOddKey = "?";
constexpr std::uint64_t kRankCost = 48;  // bytes that a row takes for each dimension: many may share a shape

bool is_leaf(Sort sort) { return sort == Sort::array || sort == Sort::tensor || sort == Sort::sparse; }

// Code that a leaf names, in a pickle inside of the pickle, is about the file.
bool is_about_leaf(const Error& error) {
  if (std::string_view(error.rule()) == kDangerRule) return false;
  return error.code() == Code::malformed || error.code() == Code::unsupported || error.code() == Code::refused ||
         error.code() == Code::limit;
}

class Walk {
 public:
  Walk(const Records& records, Lister& lister, model::Catalog& catalog)
      : records_(records),
        graph_(records.graph()),
        lister_(lister),
        catalog_(catalog),
        budget_(records.graph()),
        plain_(records, budget_, notes_) {
    keys_.reserve(kStructure);
    keys_.reserve(kOpaque);
  }

  void run(Id root) {
    const Census census(records_, root, budget_);
    census_ = &census;
    const Id top = records_.target(root);
    const Sort sort = top == kNoNode ? Sort::opaque : records_.sort(top);
    if (sort == Sort::list || sort == Sort::dict) {
      steps_.push_back({top, 0, "", Key::none, true});
    } else {
      steps_.push_back({top == kNoNode ? root : top, 0, "data", Key::text, true});
    }
    while (!steps_.empty()) {
      Step step = next();
      if (step.node != kNoNode) take(step);
    }
    if (!opaque_.empty()) list_hidden();
    finish();
  }

 private:
  enum class Key : std::uint8_t { none, text, integer, odd, rest };  // rest: the step stands for the last of open_
  // A node that is to be listed. Its path is the first `parent` bytes of path_, and `key`.
  struct Step {
    Id node;
    std::size_t parent;
    std::string key;
    Key kind;
    bool is_readable;  // no key on the path is odd
  };
  // A list whose items are being listed. Its items become steps one by one: a step takes many times the memory of an
  // item, and a hostile list has an item for each byte of the file.
  struct Open {
    std::vector<Id> items;
    std::size_t next = 0;
  };
  struct Hidden {  // a node below an object that we do not know
    Id node;
    std::size_t parent;
    std::string key;
    Id object;
  };

  // The next step; without a node if the last list has no more items.
  Step next() {
    Step& last = steps_.back();
    if (last.kind == Key::rest) {
      Open& list = open_.back();
      if (list.next < list.items.size()) {
        const std::size_t index = list.next++;
        return {list.items[index], last.parent, std::to_string(index), Key::integer, last.is_readable};
      }
      open_.pop_back();
      steps_.pop_back();
      return {kNoNode, 0, "", Key::none, false};
    }
    Step step = std::move(last);
    steps_.pop_back();
    return step;
  }

  void enter(std::size_t parent, std::string_view key, bool has_key) {
    path_.resize(parent);
    if (!has_key) return;
    if (parent != 0) path_ += '.';
    path_ += key;
    budget_.spend(32 + path_.size());
  }

  void take(Step& step) {
    enter(step.parent, step.key, step.kind != Key::none);
    const Id node = records_.target(step.node);
    const Sort sort = node == kNoNode ? Sort::opaque : records_.sort(node);
    if (is_leaf(sort)) return list_leaf(node, step.is_readable);
    const bool is_root = step.kind == Key::none;
    if ((sort == Sort::dict || sort == Sort::list) && (is_root || census_->holds(node))) {
      return sort == Sort::dict ? open_dict(node, step) : open_list(node, step);
    }
    if (sort == Sort::opaque) {
      add_object(step.node);
    } else {
      find_objects(node);
    }
    if (!step.is_readable) {
      return notes_.add("in " + in_quotes(std::string_view(path_).substr(0, step.parent)) +
                        ", a value is left out: a key on the way to it is no name");
    }
    add_attribute(node == kNoNode ? step.node : node);
  }

  // Children are taken from the back, so the last one goes there first.
  void open_dict(Id dict, const Step& step) {
    auto entries = entries_of(records_, dict, budget_, [&](const Entry& entry, Id value) {
      if (!census_->holds(entry.value) && !census_->holds(value)) return;
      throw Error(Code::malformed, "pickle.key.duplicate",
                  "the key " + in_quotes(entry.text.value_or(std::string(kOddKey))) +
                      " is twice in one dict, and a tensor would be lost");
    });
    bool has_integers = false;
    std::reverse(entries.begin(), entries.end());
    for (Entry& entry : entries) {
      const Key kind = !entry.text ? Key::odd : graph_.kind(entry.key) == Kind::integer ? Key::integer : Key::text;
      has_integers = has_integers || kind == Key::integer;
      steps_.push_back({entry.value, path_.size(), entry.text ? std::move(*entry.text) : std::string(kOddKey), kind,
                        step.is_readable && kind != Key::odd});
    }
    const Known known = graph_.kind(dict) == Kind::call ? records_.known(dict) : Known::unknown;
    note_structure(known == Known::ordered_dict   ? "OrderedDict"
                   : known == Known::default_dict ? "defaultdict"
                   : known == Known::counter      ? "Counter"
                   : has_integers                 ? "dict of integers"
                                                  : "dict");
    add_state(dict);
  }

  void open_list(Id list, const Step& step) {
    Open open;
    records_.each_item(list, [&](Id item) {
      budget_.spend(64);
      open.items.push_back(item);
    });
    open_.push_back(std::move(open));
    steps_.push_back({kNoNode, path_.size(), "", Key::rest, step.is_readable});
    const Kind kind = graph_.kind(list);
    note_structure(kind == Kind::tuple ? "tuple" : kind == Kind::list ? "list" : "set");
  }

  void note_structure(std::string_view kind) { structure_.emplace_back(path_, kind); }

  // What BUILD gave to an OrderedDict are attributes of the object, such as `_metadata` of torch, and no items. Their
  // keys are ours, so that formats that hold no maps do not ask what becomes of them.
  void add_state(Id dict) {
    const Build* build = graph_.build(dict);
    if (build == nullptr || records_.is_script(dict)) return;
    if (graph_.kind(build->state) != Kind::dict) {
      if (graph_.kind(build->state) != Kind::none)
        notes_.add("the state of " + in_quotes(path_) + " is left out: it is no dict");
      return;
    }
    const std::string parent = std::exchange(path_, std::string(kState) + path_);
    const std::size_t length = parent.empty() ? kState.size() - 1 : path_.size();  // without its dot
    for (const Entry& entry : entries_of(records_, build->state, budget_, [](const Entry&, Id) {})) {
      if (!entry.text) {
        notes_.add("in the state of " + in_quotes(path_) + ", a value is left out whose key is no name");
        continue;
      }
      enter(length, *entry.text, true);
      add_attribute(entry.value);
    }
    path_ = parent;
  }

  void list_leaf(Id node, bool is_readable) {
    const std::string name = names_.make(path_);
    if (names_.was_changed()) notes_.add("tensor " + in_quotes(path_) + " is listed as " + in_quotes(name));
    budget_.spend(128 + name.size());
    if (!is_readable) {
      return list_fault(name, {Code::unsupported, "pickle.key.kind",
                               "a key on the way to this tensor is no name: neither short text nor an integer"});
    }
    const auto [known, is_new] = rows_.try_emplace(node, static_cast<std::uint32_t>(catalog_.size()));
    if (is_new) {
      add_row(name, node);
    } else if (catalog_.tensor(known->second).fault != model::kNone) {
      list_fault(name, *catalog_.fault(catalog_.tensor(known->second).fault));
    } else {
      catalog_.add_copy(name, known->second);
    }
    budget_.spend(kRankCost * catalog_.tensor(static_cast<std::uint32_t>(catalog_.size() - 1)).rank);
  }

  void add_row(const std::string& name, Id node) {
    const std::size_t before = catalog_.size();
    try {
      lister_.add(catalog_, name, records_, node);
    } catch (const Error& error) {
      if (!is_about_leaf(error)) throw;
      if (catalog_.size() == before) {
        list_fault(name, model::fault_of(error));
      } else {
        catalog_.fault_tensor(model::fault_of(error));
      }
    }
  }

  void list_fault(std::string_view name, model::Fault fault) {
    catalog_.add_tensor(name, {}, "dense", {});
    catalog_.fault_tensor(std::move(fault));
  }

  void add_attribute(Id node) {
    const auto value = plain_.read(node, path_);
    if (!value) return;
    const std::string key = keys_.make(path_);
    if (keys_.was_changed()) notes_.add("attribute " + in_quotes(path_) + " is listed as " + in_quotes(key));
    put(key, *value);
  }

  void put(std::string_view key, const Value& value) {
    const auto bytes = value.encode();
    attributes_.text(key);
    attributes_.raw(bytes);
    ++attribute_count_;
  }

  void add_object(Id node) {
    budget_.spend(64 + path_.size());
    opaque_.emplace_back(node, path_);
    objects_.insert(object_name(records_, node));
  }

  // Objects in a container without tensors of its own: they may have some.
  void find_objects(Id container) {
    std::vector<Id> nodes = {container};
    while (!nodes.empty()) {
      const Id node = nodes.back();
      nodes.pop_back();
      const Sort sort = records_.sort(node);
      if (sort == Sort::plain || !searched_.insert(node).second) continue;
      const auto add = [&](Id child) {
        budget_.spend(Budget::kStep);
        nodes.push_back(child);
      };
      if (sort == Sort::opaque) {
        add_object(node);
      } else if (sort == Sort::dict) {
        records_.each_entry(node, [&](Id, Id value) { add(value); });
      } else if (sort == Sort::list) {
        records_.each_item(node, add);
      }
    }
  }

  // Lists the tensors that only unknown objects lead to: they are not read, since only the object's code says what they
  // are to it.
  void list_hidden() {
    std::vector<bool> is_seen(graph_.size());
    std::vector<Hidden> steps;
    for (const auto& [object, path] : opaque_) {
      steps.push_back({object, 0, path, object});
      while (!steps.empty()) {
        const Hidden step = std::move(steps.back());
        steps.pop_back();
        if (is_seen[step.node]) continue;
        is_seen[step.node] = true;
        if (rows_.contains(step.node)) continue;
        enter(step.parent, step.key, !step.key.empty());
        const bool is_call = graph_.kind(step.node) == Kind::call;
        if (is_call && is_leaf(records_.sort(step.node))) {
          list_one_hidden(step);
        } else {
          open_hidden(step, steps);
        }
      }
    }
  }

  void list_one_hidden(const Hidden& step) {
    const std::string name = names_.make(path_);
    rows_.emplace(step.node, static_cast<std::uint32_t>(catalog_.size()));
    list_fault(name, {Code::unsupported, "pickle.object.unknown",
                      "only an object " + in_quotes(object_name(records_, step.object)) +
                          " holds this tensor, and objects are never made"});
  }

  void open_hidden(const Hidden& step, std::vector<Hidden>& steps) {
    const std::size_t first = steps.size();
    const bool is_opaque = records_.sort(step.node) == Sort::opaque;
    const Id object = is_opaque ? step.node : step.object;
    const auto add = [&](Id child, std::string key) { steps.push_back({child, path_.size(), std::move(key), object}); };
    std::uint64_t index = 0;
    const auto add_item = [&](Id child) {
      if (may_hold(child)) add(child, std::to_string(index));
      ++index;
    };
    const auto add_member = [&](Id key, Id child) {
      if (may_hold(child)) add(child, key_text(records_, key).value_or(std::string(kOddKey)));
    };
    switch (graph_.kind(step.node)) {
      case Kind::tuple:
      case Kind::list:
      case Kind::set: graph_.each_item(step.node, add_item); break;
      case Kind::dict: graph_.each_member(step.node, add_member); break;
      case Kind::call: {
        if (may_hold(graph_.arguments(step.node))) add(graph_.arguments(step.node), "");
        if (may_hold(graph_.callee(step.node))) add(graph_.callee(step.node), "");
        const Build* build = graph_.build(step.node);
        if (build != nullptr && may_hold(build->state)) add(build->state, "");
        graph_.each_item(step.node, add_item);
        graph_.each_member(step.node, add_member);
        break;
      }
      default: break;
    }
    std::reverse(steps.begin() + static_cast<std::ptrdiff_t>(first), steps.end());
  }

  bool may_hold(Id node) const {
    const Kind kind = graph_.kind(node);
    return kind == Kind::tuple || kind == Kind::list || kind == Kind::set || kind == Kind::dict || kind == Kind::call;
  }

  void finish() {
    if (catalog_.size() == 0) notes_.add(kNoTensors);
    const bool is_plain = structure_.size() == 1 && structure_[0].second == "dict";
    if (!structure_.empty() && !is_plain && catalog_.size() != 0) {
      Value::Map map;
      for (const auto& [path, kind] : structure_) map.emplace_back(Value(path), Value(kind));
      put(kStructure, Value(std::move(map)));
    }
    if (!objects_.empty()) {
      Value::Array names;
      for (const std::string& name : objects_) names.emplace_back(name);
      put(kOpaque, Value(std::move(names)));
    }
    if (attribute_count_ != 0) {
      wire::CborWriter map;
      map.map(attribute_count_);
      map.raw(attributes_.buffer());
      catalog_.attributes = std::move(map.buffer());
      catalog_.attributes.shrink_to_fit();
    }
    for (std::string& note : notes_.take()) catalog_.notes.push_back(std::move(note));
  }

  const Records& records_;
  const Graph& graph_;
  Lister& lister_;
  model::Catalog& catalog_;
  Budget budget_;
  Notes notes_;
  PlainReader plain_;
  const Census* census_ = nullptr;
  std::vector<Step> steps_;
  std::vector<Open> open_;  // one for each step of Key::rest
  std::string path_;
  Names names_;                       // of tensors
  Names keys_;                        // of attributes
  std::map<Id, std::uint32_t> rows_;  // where each leaf was listed first
  wire::CborWriter attributes_;
  std::uint64_t attribute_count_ = 0;
  std::vector<std::pair<std::string, std::string_view>> structure_;  // the path and kind of each container
  std::vector<std::pair<Id, std::string>> opaque_;                   // unknown objects and their paths
  std::set<std::string> objects_;                                    // the globals of unknown objects
  std::set<Id> searched_;
};

}  // namespace

void list_leaves(const Records& records, Id root, Lister& lister, model::Catalog& catalog) {
  Walk(records, lister, catalog).run(root);
}

}  // namespace zt::foreign::pickle
