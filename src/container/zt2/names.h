#pragma once

#include <string>
#include <string_view>

// How names and layouts are spelled in generation 2 (spec/zt-2.md §4, §6).
namespace zt::container::zt2 {

// Layouts of 1.x that have no namespace of their own are put into this one.
inline constexpr std::string_view kOldPrefix = "zt1.";

// Whether key `a` of a map comes before `b`: maps are in the order of their encoded keys, in which a shorter text comes
// first. zt-2 §3
bool key_less(std::string_view a, std::string_view b);
// Whether an object, a part or a key of attributes may have this name: 1 to 1024 bytes, no U+0000.
bool is_name(std::string_view name);
// Whether a shard may: 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot.
bool is_shard_name(std::string_view name);
// Whether it is [a-z0-9]+ ':' [0-9a-f]+, as any digest text is, also of an algorithm we do not know.
bool is_digest(std::string_view text);

// The library's word for a file's layout: "sparse_csr" for "zt.sparse_csr/1", "word" for "zt1.word/1", else the same.
std::string_view layout_of_file(std::string_view layout);
// How a word is written: one without a namespace ("quantized_group", from a 1.x file) goes into the namespace "zt1". A
// file of another writer that has such a word as it is reads the same, and is written otherwise.
std::string layout_for_file(std::string_view word);

}  // namespace zt::container::zt2
