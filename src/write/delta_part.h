#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/delta_form.h"
#include "run/progress.h"
#include "write/draft.h"
#include "write/pieces.h"
#include "ztensor/delta_base.h"
#include "ztensor/tensor.h"

// Tensors that are stored as what changed since others (spec/delta.md).
namespace zt::write {

inline constexpr std::string_view kBaseLabel = "base";  // of the only file with bases that we write

// The tensor of `base` that a tensor of this name and dtype can be a delta over: dense, with one part, and no delta that
// is as deep as readers go.
struct FoundBase {
  std::optional<Tensor> tensor = {};
  bool too_deep = false;  // there is one, but it is too deep
};
FoundBase find_base(const Source& base, std::string_view name, DType dtype);

struct MadeDelta {
  std::vector<std::byte> stored = {};
  std::uint64_t length = 0;  // decoded bytes
  std::uint64_t hash = 0;    // XXH3-64 of the decoded bytes
  bool differs = false;      // from the base
  // Whether it is shorter than the decoded bytes, by what makes up for the base.
  bool is_worth() const { return stored.size() + length / 33 <= length; }
};

// Reads both once, front to back, and encodes some pieces at a time. Holds the stored bytes, and about 100 MiB; stops
// early where these get longer than the part. Counts the bytes of `next` in `meter`. Equal
// tensors have pieces too: without them, a wrong base would go unnoticed. Throws as reading does.
MadeDelta make_delta(const Part& base, DType dtype, Pieces& next, codec::DeltaMode kind, unsigned threads,
                     run::Meter& meter);

// What `zt.delta` says of a tensor.
struct DeltaPlace {
  std::string label;  // of the file of the base; "": the same file
  std::string name;   // of the base
};
// Adds a tensor to a draft. `attributes`: of the user, or null. `stored`: the stored bytes
// of `length` decoded bytes; `digest`: of these, in the text form of generation 2, or "".
void add_delta(Draft& draft, std::string_view name, std::span<const std::uint64_t> shape, DType dtype,
               const Value& attributes, const DeltaPlace& place, std::span<const std::byte> stored,
               std::uint64_t length, std::string_view digest);
// The digest of a made delta for add_delta(); "" where the form has no checksums.
std::string digest_of(const MadeDelta& made, const Form& form);

// The key and the text of the attribute that names the file of the bases. Throws usage for a hint that is a path.
std::pair<std::string, std::string> base_attribute(const DeltaBase& base);
// Throws usage if files of this form have no deltas.
void check_has_deltas(const Form& form);

}  // namespace zt::write
