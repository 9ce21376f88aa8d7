#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "foreign/numpy/numpy.h"
#include "foreign/zip/headers.h"
#include "hash/crc32.h"
#include "hash/digest.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

using Buffer = std::vector<std::byte>;
using model::Catalog;
using model::Member;

constexpr std::uint64_t kAlign = 64;
constexpr std::string_view kEnding = ".npy";
constexpr std::uint16_t kVersion = 20, kVersion64 = 45;
constexpr std::uint16_t kHasDescriptor = 1 << 3, kIsUtf8 = 1 << 11;
constexpr std::uint16_t kUnix = 3 << 8;
constexpr std::uint32_t kMode = 0100644;     // a file that its owner may write to
constexpr std::uint16_t kDate = 1 << 5 | 1;  // 1980-01-01: the same tensors give the same file
constexpr std::uint16_t kPadding = 0xD935;   // the extra block that aligns: the alignment, and zeros
constexpr std::uint16_t kZip64 = 1;          // the extra block with sizes of 64 bits
constexpr std::size_t kPaddingHead = 6;

std::string_view descr_of(DType dtype) {
  switch (dtype) {
    case DType::f64: return "<f8";
    case DType::f32: return "<f4";
    case DType::f16: return "<f2";
    case DType::i64: return "<i8";
    case DType::i32: return "<i4";
    case DType::i16: return "<i2";
    case DType::i8: return "|i1";
    case DType::u64: return "<u8";
    case DType::u32: return "<u4";
    case DType::u16: return "<u2";
    case DType::u8: return "|u1";
    case DType::boolean: return "|b1";
    case DType::complex64: return "<c8";
    case DType::complex128: return "<c16";
    default: return "";
  }
}

void put(Buffer& out, std::string_view text) {
  const auto bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}
template <class T>
void put_number(Buffer& out, T value) {
  out.resize(out.size() + sizeof(T));
  endian::store_le<T>(out.data() + out.size() - sizeof(T), value);
}
void put16(Buffer& out, std::uint64_t value) { put_number(out, static_cast<std::uint16_t>(value)); }
void put32(Buffer& out, std::uint64_t value) { put_number(out, static_cast<std::uint32_t>(value)); }
void put64(Buffer& out, std::uint64_t value) { put_number(out, value); }

// A number, or all ones if a ZIP64 block has it.
std::uint32_t short_of(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, zip::kFull32));
}
bool is_long(std::uint64_t value) { return value >= zip::kFull32; }

// The header of the npy file that a member is, as NumPy writes it.
Buffer npy_header(const Member& member) {
  std::string shape;
  for (const std::uint64_t dimension : member.shape) shape += std::to_string(dimension) + ", ";
  if (member.shape.size() == 1) shape.pop_back();               // "3,"
  if (member.shape.size() > 1) shape.resize(shape.size() - 2);  // "2, 3"
  std::string text =
      "{'descr': '" + std::string(descr_of(member.dtype)) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr std::size_t kPrefix1 = 10;  // 255 dimensions of 20 digits fit a header of version 1
  text.append((kAlign - (kPrefix1 + text.size() + 1) % kAlign) % kAlign, ' ');
  text += '\n';
  Buffer out;
  put(out, std::string_view("\x93NUMPY\x01\x00", 8));
  put16(out, text.size());
  put(out, text);
  return out;
}

// What the archive says about a member, at both places.
struct Facts {
  std::string name;
  std::uint16_t flags = kHasDescriptor;
  std::uint64_t length = 0;  // of the npy file
  bool is_wide = false;      // its length needs ZIP64
};

Facts facts_of(const Member& member, std::uint64_t header) {
  Facts facts{.name = std::string(member.name) + std::string(kEnding)};
  const bool ascii = std::ranges::all_of(member.name, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!ascii) facts.flags |= kIsUtf8;
  facts.length = header + member.length;
  facts.is_wide = is_long(facts.length);
  return facts;
}

// What a head and an entry of the directory have in common, from the needed version to the lengths.
void put_common(Buffer& out, const Facts& facts, std::uint16_t version, std::uint32_t crc) {
  put16(out, version);
  put16(out, facts.flags);
  put16(out, zip::kStored);
  put16(out, 0);  // time
  put16(out, kDate);
  put32(out, crc);
  put32(out, short_of(facts.length));
  put32(out, short_of(facts.length));
}

Buffer front(const Member& member, std::uint64_t at) {
  const Buffer header = npy_header(member);
  const Facts facts = facts_of(member, header.size());
  const std::size_t sizes = facts.is_wide ? 20 : 0;
  const std::uint64_t fixed = at + zip::kLocalBytes + facts.name.size() + sizes + kPaddingHead;
  const std::uint64_t padding = checked::round_up(fixed, kAlign) - fixed;
  Buffer out;
  put32(out, zip::kLocalMagic);
  put_common(out, facts, facts.is_wide ? kVersion64 : kVersion, 0);  // the descriptor has the checksum
  put16(out, facts.name.size());
  put16(out, sizes + kPaddingHead + padding);
  put(out, facts.name);
  if (facts.is_wide) {
    put16(out, kZip64);
    put16(out, 16);
    put64(out, facts.length);
    put64(out, facts.length);
  }
  put16(out, kPadding);
  put16(out, 2 + padding);
  put16(out, kAlign);
  out.resize(out.size() + static_cast<std::size_t>(padding));
  out.insert(out.end(), header.begin(), header.end());
  return out;
}

// The checksum of the whole npy file, from that of its elements.
std::uint32_t crc_of_file(const Buffer& header, std::uint32_t crc, std::uint64_t length) {
  return hash::crc32_join(hash::crc32(header), crc, length);
}

Buffer back(const Member& member, std::uint32_t crc) {
  const Buffer header = npy_header(member);
  const Facts facts = facts_of(member, header.size());
  Buffer out;
  put32(out, zip::kDescriptorMagic);
  put32(out, crc_of_file(header, crc, member.length));
  for (int i = 0; i < 2; ++i) {
    facts.is_wide ? put64(out, facts.length) : put32(out, facts.length);
  }
  return out;
}

void put_entry(Buffer& out, const Facts& facts, std::uint32_t crc, std::uint64_t head) {
  Buffer wide;
  for (int i = 0; i < 2 && facts.is_wide; ++i) put64(wide, facts.length);
  if (is_long(head)) put64(wide, head);
  const std::uint16_t version = wide.empty() ? kVersion : kVersion64;
  put32(out, zip::kCentralMagic);
  put16(out, kUnix | version);  // made by. Readers take names that DOS made for those of a code page
  put_common(out, facts, version, crc);
  put16(out, facts.name.size());
  put16(out, wide.empty() ? 0 : 4 + wide.size());
  for (int i = 0; i < 3; ++i) put16(out, 0);  // comment, disk, kind of content
  put32(out, kMode << 16);                    // attributes
  put32(out, short_of(head));
  put(out, facts.name);
  if (wide.empty()) return;
  put16(out, kZip64);
  put16(out, wide.size());
  out.insert(out.end(), wide.begin(), wide.end());
}

// The directory. Heads have no gaps between them, so that their places follow from the lengths of the members.
Buffer manifest(const Catalog& catalog) {
  Buffer out;
  std::uint64_t at = 0;
  for (std::uint32_t row = 0; row < catalog.size(); ++row) {
    const model::TensorRow& tensor = catalog.tensor(row);
    const model::PartRow& part = catalog.part(tensor.parts);
    const Member member{.name = catalog.text(tensor.name),
                        .shape = catalog.shape(tensor),
                        .dtype = part.dtype,
                        .length = part.recipe.stored_length};
    const auto digest = hash::parse_decoded_digest(catalog.text(part.digest));
    if (!digest || digest->algorithm != Checksum::crc32) throw Error(Code::internal, "", "a member has no crc32");
    const Buffer header = npy_header(member);
    const Facts facts = facts_of(member, header.size());
    put_entry(out, facts, crc_of_file(header, digest->crc, member.length), at);
    at += front(member, at).size() + member.length + back(member, digest->crc).size();
  }
  return out;
}

std::uint64_t count_entries(std::span<const std::byte> directory) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < directory.size(); ++count) {
    at += zip::kCentralBytes + zip::u16(directory, at + 28) + zip::u16(directory, at + 30);
  }
  return count;
}

Buffer footer(std::uint64_t offset, std::span<const std::byte> directory) {
  const std::uint64_t count = count_entries(directory);
  const std::uint64_t end = offset + directory.size();
  Buffer out;
  if (count >= zip::kFull16 || is_long(directory.size()) || is_long(offset)) {
    put32(out, zip::kEnd64Magic);
    put64(out, zip::kEnd64Bytes - 12);
    put16(out, kVersion64);
    put16(out, kVersion64);
    put64(out, 0);  // disks
    for (const std::uint64_t number : {count, count, std::uint64_t{directory.size()}, offset}) {
      put64(out, number);
    }
    put32(out, zip::kLocatorMagic);
    put32(out, 0);
    put64(out, end);
    put32(out, 1);
  }
  put32(out, zip::kEndMagic);
  put32(out, 0);  // disks
  for (int i = 0; i < 2; ++i) put16(out, std::min<std::uint64_t>(count, zip::kFull16));
  put32(out, short_of(directory.size()));
  put32(out, short_of(offset));
  put16(out, 0);  // comment
  return out;
}

// The rules of names that this library and others check in archives.
std::string fault_of_name(std::string_view name) {
  constexpr std::size_t kMostName = 1024;
  if (name.size() + kEnding.size() > kMostName) return "has more than 1020 bytes: use a shorter name for format npz";
  if (name.ends_with(kEnding)) return "ends in .npy, which NumPy takes off: use another name for format npz";
  const bool drive = name.size() >= 3 && name[1] == ':' && name[2] == '/';
  const bool parent = ("/" + std::string(name) + kEnding.data()).find("/../") != std::string::npos;
  if (name.front() == '/' || drive || parent || name.find('\\') != std::string_view::npos) {
    return "is a path that leads out of an archive: use another name for format npz";
  }
  return "";
}

constexpr model::Archive kArchive = {.front = front, .back = back, .fault_of_name = fault_of_name};

}  // namespace

const model::Encoder kNpzEncoder = {
    .format = "npz",
    .title = "npz",
    .index_limit = "zip.directory.limit",
    .index = model::Index::last,
    .alignment = kAlign,
    .most_alignment = kAlign,
    .canonical_alignment = 0,
    .manifest_alignment = 1,
    .holds = {.tensor_attributes = false,
              .file_attributes = false,
              .own_attributes = false,
              .other_layouts = false,
              .sparse_layouts = false,
              .bounded_shapes = true,
              .whole_bytes = true,
              .shared_parts = false,
              .digests = model::Digests::archive,
              .sha256 = false},
    .head = [] { return std::vector<std::byte>(); },
    .index_head = nullptr,
    .order = nullptr,
    .storage = descr_of,
    .logical = [](DType) { return std::string_view(); },
    .encoding = [](Codec) { return std::string_view(); },
    .manifest = manifest,
    .footer = footer,
    .shard_index = nullptr,
    .grower = nullptr,
    .archive = &kArchive,
};

}  // namespace zt::foreign::numpy
