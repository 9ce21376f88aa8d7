#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/digest.h"
#include "ztensor/dtype.h"
#include "ztensor/progress.h"
#include "ztensor/source.h"
#include "ztensor/value.h"
#include "ztensor/verify.h"

namespace zt {

// Where and how far two arrays of the same dtype and length differ, bit for bit.
struct ContentDifference {
  DType dtype = DType::u8;        // of both; uint64 for the indices of sparse tensors
  std::uint64_t elements = 0;     // of each
  std::uint64_t differing = 0;    // at least 1; 0.0 and -0.0 differ, and so do NaNs of different bits
  std::uint64_t first = 0;        // the first of them, counted in row-major order
  std::vector<std::uint64_t> at;  // the same as an index of the tensor, where it is dense
  // The largest |a - b| among them, infinite where only one is; nothing for bool and where each has a NaN.
  std::optional<double> largest;
};

// One way in which two sources differ.
struct Difference {
  enum class Kind {
    only_in_a,  // a tensor
    only_in_b,
    shape,
    layout,
    attribute,  // of the tensor, or of the file
    part,       // one has it, the other has not
    dtype,      // of a part
    length,     // of a part, in decoded bytes
    contents,   // of a part
  };
  Kind kind;
  std::optional<std::string> tensor = {};  // its name; nothing: the file itself
  std::string part = {};                   // its role, where the kind is about one
  std::string key = {};                    // of an attribute; JSON, where it is no text
  // What each has; nothing where it has none. Shapes are arrays, dtypes and layouts text (of a part that one lacks: its
  // dtype), lengths integers. Contents: the first elements that differ; complex ones as arrays of two, a NaN as text
  // with its bits, "nan 0x7fc00001".
  std::optional<Value> a = {};
  std::optional<Value> b = {};
  std::optional<ContentDifference> contents = {};
};

struct DiffReport {
  std::uint64_t compared = 0;           // tensors that both have and that could be compared
  std::vector<Difference> differences;  // of the file, then in the order of a's tensors, then those that only b has
  // Tensors that could not be compared, since they cannot be read in one source or the other: the error says which. Not
  // among `compared`, whatever else is known of them.
  std::vector<Finding> troubles;

  bool same() const noexcept { return differences.empty() && troubles.empty(); }
};

struct DiffOptions {
  // Stop at the first difference: the report then has at least one, which one may depend on threads.
  bool first_only = false;
  Progress progress = {};
};

// Compares names, shapes, dtypes, layouts, attributes and decoded contents, whatever the format, encoding, order,
// alignment and digests. Not compared: the order of tensors, of parts and within attribute maps; no attributes and
// empty ones; the width of the indices of sparse tensors (their values are); file attributes that begin with
// "ztensor.", which tell how a file was made. Contents are compared where shape, layout, dtype and length agree. Reads
// every byte of both, on as many threads as `a` has, and checks all digests on the way. Throws io, cancelled; what is
// wrong with a tensor is a trouble.
ZT_API DiffReport diff(const Source& a, const Source& b, const DiffOptions& options = {});

ZT_API std::string_view difference_name(Difference::Kind kind) noexcept;  // "only_in_a", "shape", ...
// The report as one JSON document (docs/guide.md has its keys), without a newline at the end.
ZT_API std::string diff_json(const Source& a, const Source& b, const DiffReport& report);

struct ContentIdOptions {
  // Takes the sha256 digests over decoded bytes that a file declares (generation 2) at their word.
  bool trust_digests = false;
  Progress progress = {};
};

// "sha256:" and 64 hex digits over names, shapes, dtypes, layouts, tensor attributes and decoded contents: two sources
// have the same one if diff() finds nothing but differences of file attributes (docs/guide.md says what is hashed).
// Reads every byte, several parts at a time, and checks all digests on the way. Throws the cause of the first tensor
// that cannot be read, io, malformed, mismatch, cancelled.
ZT_API std::string content_id(const Source& source, const ContentIdOptions& options = {});

// The content digest of generation 2 (spec/zt-2.md §10), made of the digests that the parts declare; reads no element.
// `algorithm` is sha256 or xxh3. Throws usage for others, unsupported when a part declares no digest over its decoded
// bytes, and so for sources of other generations; the cause of a tensor that cannot be read.
ZT_API std::string content_digest(const Source& source, Checksum algorithm = Checksum::sha256);

}  // namespace zt
