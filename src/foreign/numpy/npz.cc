#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/numpy/array.h"
#include "foreign/numpy/fronts.h"
#include "foreign/numpy/numpy.h"
#include "foreign/numpy/scipy.h"
#include "foreign/zip/directory.h"
#include "ztensor/error.h"

namespace zt::foreign::numpy {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::uint64_t kUsualHead = 128;                     // what NumPy writes for a short shape
constexpr std::uint64_t kLongHeads = std::uint64_t{4} << 20;  // bytes of longer headers that any archive may have
constexpr std::uint64_t kHeadsPerByte = 4;                    // and for each byte of a larger archive
constexpr std::size_t kBatch = 4096;                          // members whose first bytes are read together

class Decoder {
 public:
  Decoder(const ByteStore& store, const Limits& limits)
      : store_(store),
        limits_(limits),
        directory_(store, limits),
        headers_left_(std::max(kLongHeads, checked::multiply(store.size(), kHeadsPerByte).value_or(0))) {}

  model::Catalog decode() {
    catalog_.format = "npz";
    catalog_.decoded_digests = true;
    std::vector<const zip::Member*> arrays;
    for (const zip::Member& member : directory_.members()) {
      if (is_array(member)) arrays.push_back(&member);
    }
    catalog_.expect(arrays.size(), 0);
    for (std::size_t first = 0; first < arrays.size(); first += kBatch) {
      add_arrays(std::span(arrays).subspan(first, std::min(kBatch, arrays.size() - first)));
    }
    add_matrix(catalog_, store_, entries_, limits_);
    add_note();
    catalog_.shrink();
    return std::move(catalog_);
  }

 private:
  // Throws malformed if readers would disagree about the name of the array.
  bool is_array(const zip::Member& member) {
    if (!member.name.ends_with(kSuffix)) {
      if (others_++ == 0) other_ = member.name;
      return false;
    }
    const std::string_view name = name_of(member);
    if (name.empty()) throw Error(Code::malformed, "npz.name.empty", "the member '.npy' has no name");
    if (directory_.find(name) != nullptr) {
      throw Error(Code::malformed, "npz.name.ambiguous",
                  in_quotes(name) + " is a member, and the name of the array in the member " + in_quotes(member.name));
    }
    return true;
  }

  static std::string_view name_of(const zip::Member& member) {
    return member.name.substr(0, member.name.size() - kSuffix.size());
  }

  void add_arrays(std::span<const zip::Member* const> members) {
    Fronts fronts(store_);
    fronts.load(members);
    for (std::size_t i = 0; i < members.size(); ++i) {
      const zip::Member& member = *members[i];
      try {
        add(member, fronts, i);
      } catch (const Error& error) {
        if (error.code() == Code::io || error.code() == Code::no_memory) throw;
        add_unreadable(catalog_, name_of(member), {}, Blob::of(member), model::fault_of(error));
      }
    }
  }

  void add(const zip::Member& member, const Fronts& fronts, std::size_t n) {
    const Blob blob = Blob::of(member);
    if (member.obstacle != zip::Obstacle::none) {
      return add_unreadable(catalog_, name_of(member), {}, blob, zip::fault_of(member));
    }
    std::vector<std::byte> head = fronts.first(n, kUsualHead);
    const std::uint64_t bytes = header_bytes(head);
    if (bytes > member.length) {
      throw Error(
          Code::malformed, "npy.header.bounds",
          "the header has " + count_text(bytes, "byte") + ", but the member has " + std::to_string(member.length));
    }
    if (bytes > head.size()) {
      count_header(bytes);
      head = fronts.first(n, bytes);
    }
    Array array = read_array(blob, head, limits_);
    add_array(catalog_, name_of(member), blob, array);
    if (is_scipy_name(name_of(member))) entries_[name_of(member)] = {&member, std::move(array)};
  }

  // Compressed headers of 64 KiB take some 80 bytes of the file each.
  void count_header(std::uint64_t bytes) {
    if (bytes > headers_left_) {
      throw Error(Code::limit, "npz.headers.limit",
                  "the headers of the archive have more bytes than its size explains: this one is not read");
    }
    headers_left_ -= bytes;
  }

  static bool is_scipy_name(std::string_view name) {
    constexpr std::string_view kNames[] = {"format", "shape", "data",    "indices", "indptr",
                                           "row",    "col",   "offsets", "coords",  "_is_array"};
    return std::ranges::find(kNames, name) != std::end(kNames);
  }

  void add_note() {
    if (others_ == 0) return;
    catalog_.notes.push_back("the archive has " + std::to_string(others_) +
                             (others_ == 1 ? " file that is no array: " : " files that are no arrays, such as ") +
                             in_quotes(other_));
  }

  const ByteStore& store_;
  const Limits& limits_;
  zip::Directory directory_;
  std::uint64_t headers_left_;  // bytes of headers that are longer than usual
  model::Catalog catalog_;
  Entries entries_;  // those that may make a sparse matrix
  std::uint64_t others_ = 0;
  std::string_view other_;  // the first of them
};

}  // namespace

bool sniff_npz(const ByteStore& store, std::string_view name) {
  const zip::Kind kind = zip::kind_of(store);
  return kind == zip::Kind::npz || (kind != zip::Kind::none && name.ends_with(".npz"));
}

model::Catalog decode_npz(const ByteStore& store, const Limits& limits) { return Decoder(store, limits).decode(); }

}  // namespace zt::foreign::numpy
