#include "source/formats.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/utf8.h"
#include "container/zt01/zt01.h"
#include "container/zt10/zt10.h"
#include "container/zt12/zt12.h"
#include "container/zt2/zt2.h"
#include "source/lookalikes.h"
#include "ztensor/error.h"
#include "ztensor/source.h"

namespace zt::source {
namespace {

namespace zt01 = container::zt01;
namespace zt10 = container::zt10;
namespace zt12 = container::zt12;
namespace zt2 = container::zt2;

constexpr Format kGenerations[] = {
    {.name = "zt-1.2",
     .title = "a .zt file of generation 1.2",
     .sniff = zt12::sniff,
     .decode = zt12::decode,
     .encoder = &zt12::kEncoder,
     .is_written = true},
    // The decoder of 1.2 tells both versions apart. A file of 1.1 grows as one of 1.2, and keeps its version.
    {.name = "zt-1.1", .title = "a .zt file of generation 1.1", .decode = zt12::decode, .encoder = &zt12::kEncoder},
    {.name = "zt-2",
     .title = "a .zt file of generation 2",
     .sniff = zt2::sniff,
     .decode = zt2::decode,
     .encoder = &zt2::kEncoder,
     .is_written = true},
    {.name = "zt-1.0",
     .title = "a .zt file of generation 1.0",
     .sniff = zt10::sniff,
     .decode = zt10::decode,
     .encoder = &zt10::kEncoder,
     .is_written = true},
    {.name = "zt-0.1", .title = "a .zt file of generation 0.1", .sniff = zt01::sniff, .decode = zt01::decode},
};

// The first format that `accepts` says true of, in the order of detection; null if there is none.
template <class F>
const Format* find_format(F&& accepts) {
  for (const std::span<const Format> formats : {std::span<const Format>(kGenerations), foreign_formats()}) {
    for (const Format& format : formats) {
      if (accepts(format)) return &format;
    }
  }
  return nullptr;
}

constexpr std::string_view kOurs = "zt-";
constexpr std::size_t kHead = 512;  // bytes that are enough to recognize other formats

bool is_named(const Format& format, std::string_view name) {
  return format.name == name || (format.name.starts_with(kOurs) && format.name.substr(kOurs.size()) == name);
}

bool ends_in(std::string_view path, std::string_view suffix) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  const std::string_view end = path.substr(path.size() - std::min(path.size(), suffix.size()));
  return !suffix.empty() && std::equal(end.begin(), end.end(), suffix.begin(), suffix.end(), same);
}

bool begins(const Format& format, std::string_view head) {
  return std::ranges::any_of(format.begins_with,
                             [&](std::string_view magic) { return !magic.empty() && head.starts_with(magic); });
}

}  // namespace

const Format& detect(const ByteStore& store, std::string_view file_name) {
  const auto known_by = [&](std::string_view name) {
    return [&store, name](const Format& format) { return format.sniff != nullptr && format.sniff(store, name); };
  };
  if (const Format* found = find_format(known_by(""))) return *found;
  // The content comes before the name: what a file really is tells more than how it breaks the format that its name
  // claims.
  std::array<std::byte, kHead> buffer;
  const auto head = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(kHead, store.size())));
  store.read_at(0, head);
  if (const Format* found = find_format([&](const Format& format) { return begins(format, as_text(head)); })) {
    throw Error(Code::unsupported, "format.unread",
                "this is " + std::string(found->title) + ": this library does not read it" +
                    (found->hint.empty() ? "" : "; " + std::string(found->hint)));
  }
  const auto as_named = known_by(file_name);
  const auto is_named_text = [&](const Format& format) { return format.may_be_text && as_named(format); };
  if (const Format* found = find_format(is_named_text)) return *found;
  refuse_lookalike(as_text(head));
  if (const Format* found = find_format(as_named)) return *found;
  if (store.size() == 0) throw Error(Code::unsupported, "format.unknown", "the file is empty");
  throw Error(Code::unsupported, "format.unknown", "unknown format: expected " + std::string(expected_files()));
}

const Format& find_writable(std::string_view name) {
  if (name.empty()) name = "1.2";
  std::string expected;
  const Format* found = find_format([&](const Format& format) {
    if (!format.is_written) return false;
    expected += (expected.empty() ? "" : ", ") + std::string(format.encoder->title);
    return is_named(format, name);
  });
  if (found != nullptr) return *found;
  throw Error(Code::usage, "", "format " + in_quotes(name) + " cannot be written: expected one of " + expected);
}

const model::Encoder* find_encoder(std::string_view name) {
  const Format* found = find_format([&](const Format& format) { return format.name == name; });
  return found == nullptr ? nullptr : found->encoder;
}

bool holds_more(std::string_view name) {
  const Format* found = find_format([&](const Format& format) { return format.name == name; });
  return found != nullptr && found->holds_more;
}

bool is_foreign(std::string_view format) { return !format.starts_with(kOurs); }

void check_format_name(std::string_view name) {
  std::string expected = "auto";
  const Format* found = find_format([&](const Format& format) {
    if (format.decode == nullptr) return false;
    expected += ", " + std::string(format.name);
    return is_named(format, name);
  });
  if (found == nullptr)
    throw Error(Code::usage, "", "no format is named " + in_quotes(name) + ": expected " + expected);
}

const Format& find_target(std::string_view name, std::string_view path) {
  const Format* by_name = name.empty() ? nullptr : &find_writable(name);
  std::string_view suffix;
  const Format* by_path = find_format([&](const Format& format) {
    const auto end = std::ranges::find_if(format.suffixes, [&](std::string_view each) { return ends_in(path, each); });
    if (end != format.suffixes.end()) suffix = *end;
    return end != format.suffixes.end();
  });
  if (by_path == nullptr) return by_name != nullptr ? *by_name : find_writable("");
  const std::string files = std::string(path) + ": files named *" + std::string(suffix);
  if (!by_path->is_written) throw Error(Code::usage, "", files + " cannot be written: name the file *.zt");
  if (by_name == nullptr || by_name == by_path) return *by_path;
  throw Error(Code::usage, "",
              files + " are of format " + std::string(by_path->name) + ", not " + std::string(by_name->name) +
                  ": name the file *.zt");
}

}  // namespace zt::source

namespace zt {

std::vector<std::string_view> readable_formats() {
  std::vector<std::string_view> names;
  source::find_format([&](const source::Format& format) {
    if (format.decode != nullptr) names.push_back(format.name);
    return false;
  });
  return names;
}

}  // namespace zt
