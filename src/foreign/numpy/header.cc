#include "foreign/numpy/header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/checked.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "foreign/numpy/literal.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

// What follows the byte order in a type's text.
struct Kind {
  std::string_view text;
  DType dtype;
  unsigned bytes;
  unsigned word;  // the bytes that a byte order reverses; 1: there is no order
};
constexpr std::array<Kind, 14> kKinds = {{
    {"f4", DType::f32, 4, 4},
    {"f8", DType::f64, 8, 8},
    {"f2", DType::f16, 2, 2},
    {"i8", DType::i64, 8, 8},
    {"i4", DType::i32, 4, 4},
    {"i2", DType::i16, 2, 2},
    {"i1", DType::i8, 1, 1},
    {"u8", DType::u64, 8, 8},
    {"u4", DType::u32, 4, 4},
    {"u2", DType::u16, 2, 2},
    {"u1", DType::u8, 1, 1},
    {"b1", DType::boolean, 1, 1},
    {"c8", DType::complex64, 8, 4},
    {"c16", DType::complex128, 16, 8},
}};

std::optional<Elements> find_elements(std::string_view descr) {
  if (descr.empty()) return std::nullopt;
  // Without an order, and for NumPy with '|' too, elements are those of the host.
  const bool has_order = std::string_view("<>=|").find(descr.front()) != std::string_view::npos;
  const auto kind = std::ranges::find(kKinds, descr.substr(has_order ? 1 : 0), &Kind::text);
  if (kind == kKinds.end()) return std::nullopt;
  const bool swaps = descr.front() == '>' && kind->word > 1;
  return Elements{kind->dtype, kind->bytes, static_cast<std::uint8_t>(swaps ? kind->word : 0)};
}

// What a type is that we cannot read.
std::string_view kind_of(std::string_view descr) {
  if (descr.starts_with('[')) return "records";
  if (descr.starts_with('(')) return "sub-arrays";
  const std::string_view text = descr.substr(std::min<std::size_t>(1, descr.size()));
  if (text.starts_with('O')) return "Python objects, which are a pickle";
  if (text.starts_with('S') || text.starts_with('a')) return "byte strings";
  if (text.starts_with('U')) return "strings";
  if (text.starts_with('V')) return "untyped bytes, as NumPy writes bfloat16 and other types that it does not know";
  if (text.starts_with('M') || text.starts_with('m')) return "dates or times";
  if (text == "f16" || text == "f12" || text == "c32" || text == "c24") return "long doubles";
  return "of a type that is not known";
}

[[noreturn]] void malformed(const char* rule, std::string message) {
  throw Error(Code::malformed, rule, std::move(message));
}

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

// The elements as checked::elements() counts them, and their bytes.
void check_extent(const Header& header) {
  const auto count = checked::elements(header.shape);
  const unsigned each = header.elements ? header.elements->bytes : 1;
  if (!count || !checked::multiply(*count, each)) {
    malformed("npy.shape.overflow", "the shape has more bytes than 64 bits count");
  }
}

// Reads the three members of the dictionary, in any order.
class Members {
 public:
  Members(std::string_view text, const Limits& limits) : literal_(text), limits_(limits) {}

  Header read() {
    literal_.expect('{');
    while (!literal_.take('}')) {
      member();
      if (literal_.take(',')) continue;
      literal_.expect('}');
      break;
    }
    literal_.finish();
    if (seen_ != 7) malformed("npy.header.keys", "descr, fortran_order or shape is missing");
    header_.elements = find_elements(header_.descr);
    check_extent(header_);
    header_.count = *checked::elements(header_.shape);
    return std::move(header_);
  }

 private:
  void member() {
    const std::string_view key = literal_.string();
    literal_.expect(':');
    if (key == "descr") {
      see(1, key);
      header_.descr = literal_.at_string() ? std::string(literal_.string()) : std::string(1, literal_.skip_nested());
    } else if (key == "fortran_order") {
      see(2, key);
      header_.fortran = literal_.boolean();
    } else if (key == "shape") {
      see(4, key);
      literal_.shape(header_.shape, std::min<std::size_t>(limits_.rank, 255));
    } else {
      malformed("npy.header.keys", "the key " + in_quotes(key) + " is not part of the format");
    }
  }

  void see(unsigned key, std::string_view name) {
    if ((seen_ & key) != 0) malformed("npy.header.keys", "the key " + in_quotes(name) + " is there twice");
    seen_ |= key;
  }

  Literal literal_;
  const Limits& limits_;
  Header header_;
  unsigned seen_ = 0;
};

}  // namespace

std::uint64_t header_bytes(std::span<const std::byte> head) {
  if (!as_text(head).starts_with(kMagic)) malformed("npy.magic", "the content does not begin like an npy file");
  if (head.size() < kLeastHead) malformed("npy.file.short", "the file ends within its header");
  const unsigned major = byte_at(head, 6), minor = byte_at(head, 7);
  if (major < 1 || major > 3 || minor != 0) {
    throw Error(Code::unsupported, "npy.version",
                "version " + std::to_string(major) + "." + std::to_string(minor) + ": only 1.0, 2.0 and 3.0 are read");
  }
  if (major == 1) return kLeastHead + endian::load_le<std::uint16_t>(head.data() + kPrefix);
  if (head.size() < kPrefix + 4) malformed("npy.file.short", "the file ends within its header");
  const std::uint64_t bytes = kPrefix + 4 + std::uint64_t{endian::load_le<std::uint32_t>(head.data() + kPrefix)};
  if (bytes > kMostHead) {
    throw Error(
        Code::limit, "npy.header.limit",
        "the header has " + std::to_string(bytes) + " bytes: at most " + std::to_string(kMostHead) + " are read");
  }
  return bytes;
}

Header parse_header(std::span<const std::byte> bytes, const Limits& limits) {
  const unsigned major = byte_at(bytes, 6);
  const std::string_view text = as_text(bytes.subspan(major == 1 ? kLeastHead : kPrefix + 4));
  if (!text.ends_with('\n')) malformed("npy.header.end", "the header does not end with a new line");
  if (major == 3 && !is_utf8(text)) malformed("npy.header.text", "the header is not UTF-8");
  Header header = Members(text, limits).read();
  header.data = bytes.size();
  return header;
}

bool has_objects(const Header& header) { return header.descr == "|O" || header.descr == "O"; }

model::Fault fault_of_type(const Header& header) {
  return {Code::unsupported, "npy.dtype",
          "the elements are " + std::string(kind_of(header.descr)) +
              (header.descr.size() > 1 ? " (" + in_quotes(header.descr) + ")" : "")};
}

}  // namespace zt::foreign::numpy
