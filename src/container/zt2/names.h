#pragma once

#include <string>
#include <string_view>

// The spelling of names and layouts in generation 2 (spec/zt-2.md §4, §6).
namespace zt::container::zt2 {

// The namespace for layouts of 1.x that have no namespace of their own.
inline constexpr std::string_view kOldPrefix = "zt1.";

// Whether key `a` of a map comes before `b`: maps are sorted by encoded keys, so a shorter text comes first. zt-2 §3
bool key_less(std::string_view a, std::string_view b);
// Whether an object, a part or a key of attributes may have this name: 1 to 1024 bytes, no U+0000.
bool is_name(std::string_view name);
// Whether a shard may have this name: 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot.
bool is_shard_name(std::string_view name);
// Whether the text has the form of a digest, of any algorithm: [a-z0-9]+ ':' [0-9a-f]+.
bool is_digest(std::string_view text);

// The library's word for the layout in a file: "sparse_csr" for "zt.sparse_csr/1", "word" for "zt1.word/1"; any other
// layout stays the same.
std::string_view layout_of_file(std::string_view layout);
// The layout to write for a word. A word without a namespace ("quantized_group", from a 1.x file) goes into the
// namespace "zt1". Another writer may have written such a word without "zt1": it reads the same, and we add "zt1".
std::string layout_for_file(std::string_view word);

}  // namespace zt::container::zt2
