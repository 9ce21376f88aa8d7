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
  std::uint64_t first = 0;        // the first differing element, counted in row-major order
  std::vector<std::uint64_t> at;  // the same as an index of the tensor, if the tensor is dense
  // The largest |a - b| of all elements, infinite where only one of the two is; empty for bool, and where each pair
  // that differs has a NaN.
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
    part,       // one source has it, the other does not
    dtype,      // of a part
    length,     // of a part, in decoded bytes
    contents,   // of a part
  };
  Kind kind;
  std::optional<std::string> tensor = {};  // its name; empty: the difference is one of the files
  std::string part = {};                   // its role, for kinds that are about a part
  std::string key = {};                    // of an attribute; as JSON, if the key is no text
  // What each source has; empty where it has nothing. A shape is an array, a dtype or layout is text, a length is an
  // integer; for a part that one source lacks it is the dtype of the part. For contents it is the first element that
  // differs: a complex one as an array of two, a NaN as text with its bits, "nan 0x7fc00001".
  std::optional<Value> a = {};
  std::optional<Value> b = {};
  std::optional<ContentDifference> contents = {};
};

struct DiffReport {
  std::uint64_t compared = 0;           // tensors that both have and that could be compared
  std::vector<Difference> differences;  // of the files; then of a's tensors, in their order; then what only b has
  // Tensors that could not be compared, since they cannot be read in one source or the other: the error says which.
  // `compared` does not count them.
  std::vector<Finding> findings;

  [[nodiscard]] bool same() const noexcept { return differences.empty() && findings.empty(); }
};

struct DiffOptions {
  // Stops at the first difference. The report then has at least one; which one can depend on threads.
  bool first_only = false;
  Progress progress = {};
};

// Compares names, shapes, dtypes, layouts, attributes and decoded contents of two sources of any formats. These make no
// difference: format, encoding, alignment and digests; the order of tensors, of parts and within attribute maps;
// whether attributes are missing or empty; the width of the indices of sparse tensors (their values are compared); file
// attributes that begin with "ztensor.", which tell how a file was made. Contents are compared where shape, layout,
// dtype and length agree. Reads every byte of both, on as many threads as `a` has, and checks all digests on the way.
// What is wrong with a tensor is a trouble in the report. Throws io, cancelled.
[[nodiscard]] ZT_API DiffReport diff(const Source& a, const Source& b, const DiffOptions& options = {});

[[nodiscard]] ZT_API std::string_view difference_name(Difference::Kind kind) noexcept;  // "only_in_a", "shape", ...
// The report as one JSON document (docs/guide.md has its keys), without a newline at the end.
[[nodiscard]] ZT_API std::string diff_json(const Source& a, const Source& b, const DiffReport& report);

struct ContentIdOptions {
  // Believes the sha256 digests over decoded bytes that a file of format 2 declares, instead of reading the bytes.
  bool trust_digests = false;
  Progress progress = {};
};

// "sha256:" and 64 hex digits over names, shapes, dtypes, layouts, tensor attributes and decoded contents. Two sources
// have the same id if diff() finds at most differences of file attributes (docs/guide/cli.md says what is hashed).
// Reads every byte, several parts at a time, and checks all digests on the way. Throws the cause of the first
// unreadable tensor, io, malformed, mismatch, cancelled.
[[nodiscard]] ZT_API std::string content_id(const Source& source, const ContentIdOptions& options = {});

// The content digest of format 2 (spec/zt-2.md §10), made of the digests that the parts declare; reads no element.
// `algorithm` is sha256 or xxh3. Throws usage for other algorithms; unsupported when a part declares no digest over its
// decoded bytes, as in all other formats; the cause of an unreadable tensor.
[[nodiscard]] ZT_API std::string content_digest(const Source& source, Checksum algorithm = Checksum::sha256);

}  // namespace zt
