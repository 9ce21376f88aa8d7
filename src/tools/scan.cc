#include "ztensor/scan.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/blocks.h"
#include "base/endian.h"
#include "base/region.h"
#include "base/utf8.h"
#include "foreign/numpy/fronts.h"
#include "foreign/pickle/pickle.h"
#include "foreign/pickle/trace.h"
#include "foreign/zip/directory.h"
#include "foreign/zip/member.h"
#include "io/file.h"
#include "tools/in_file.h"
#include "tools/part_store.h"
#include "tools/wrapping.h"

namespace zt {
namespace {

namespace pickle = foreign::pickle;
namespace zip = foreign::zip;

constexpr std::uint64_t kMostInflated = std::uint64_t{256} << 20;
constexpr std::string_view kNpyMagic = "\x93NUMPY";

bool is_marked(std::string_view head) {
  return head.size() > 1 && head[0] == '\x80' && static_cast<unsigned char>(head[1]) <= 5;
}

// Whether the text of an .npy header may name a dtype with objects: "O" and "object", whole, in pieces or in escapes; or
// with strings of any length, "T", which NumPy pickles too.
bool may_name_objects(std::string text) {
  for (const std::string_view word : {std::string_view("fortran_order"), std::string_view("True")}) {
    const std::size_t at = text.find(word);
    if (at != std::string::npos) text.erase(at, word.size());
  }
  return text.find_first_of("oOT\\") != std::string::npos;
}

// Where the pickle of an .npy file begins, if it may have one: numpy.load() loads it for arrays of objects. `first` gives
// the first bytes of the file, which has `size` bytes.
template <class First>
std::uint64_t find_objects(std::uint64_t size, First&& first) {
  constexpr std::uint64_t kMostHeader = std::uint64_t{1} << 20;  // a longer one is not looked at
  const std::string head = first(12);
  if (!head.starts_with(kNpyMagic) || head.size() < 12) return 0;
  const bool is_old = head[6] == 1;
  const std::byte* const length = &as_bytes(head)[8];
  const std::uint64_t header = is_old ? endian::load_le<std::uint16_t>(length) : endian::load_le<std::uint32_t>(length);
  const std::uint64_t from = is_old ? 10 : 12;
  if (from + header >= size) return 0;
  if (header <= kMostHeader && !may_name_objects(first(from + header).substr(from))) return 0;
  return from + header;
}

class Scan {
 public:
  ScanReport run(const ByteStore& store, std::string_view name) {
    if (zip::kind_of(store) != zip::Kind::none) {
      scan_archive(store);
    } else {
      const std::string wrapping = tools::find_wrapping(store);
      if (wrapping.empty()) {
        // Any file may be a pickle of protocol 0.
        const bool is_sure = pickle::has_pickle_name(name) || is_marked(head_of(store, 2));
        scan_file(store, "", is_sure ? pickle::Sure::yes : pickle::Sure::no);
      } else {
        add_fault("the file is " + wrapping + ": unpack it, and scan what it holds");
      }
    }
    return std::move(report_);
  }

 private:
  void raise(Risk risk) { report_.risk = std::max(report_.risk, risk); }

  void scan_archive(const ByteStore& store) {
    noting_faults([&] {
      const zip::Directory directory(store, Limits{});
      // pandas.read_pickle() loads the only member of an archive, whatever its name is.
      const bool is_alone = directory.members().size() == 1;
      for (const zip::Member& member : directory.members()) {
        noting_faults(
            [&] { inside("member " + in_quotes(member.name), [&] { scan_member(store, member, is_alone); }); });
      }
    });
  }

  template <class Work>
  void noting_faults(Work&& work) {
    try {
      work();
    } catch (const Error& error) {
      if (error.code() == Code::io) throw;
      add_fault(error.what());
    }
  }

  // What cannot be looked at may have anything in it.
  void add_fault(std::string fault) {
    report_.faults.push_back(std::move(fault));
    raise(Risk::danger);
  }

  void scan_member(const ByteStore& store, const zip::Member& member, bool is_alone) {
    if (member.obstacle != zip::Obstacle::none) {
      const model::Fault fault = zip::fault_of(member);
      throw Error(fault.code, fault.rule, fault.message);
    }
    const auto first = [&](std::uint64_t length) {
      const std::vector<std::byte> bytes = foreign::numpy::first_bytes(store, member, length);
      if (member.method == zip::kDeflated) count_inflated(bytes.size());
      return std::string(as_text(bytes));
    };
    // numpy.load() goes by the content of members, and not by their names. The others are loaded by their names.
    const bool is_named = pickle::has_pickle_name(member.name);
    const bool is_npy = first(kNpyMagic.size()) == kNpyMagic;
    const bool is_loaded =
        is_npy ? find_objects(member.length, first) != 0 : is_named || is_alone || is_marked(first(2));
    if (!is_loaded) return;
    const pickle::Sure sure = is_named ? pickle::Sure::yes : pickle::Sure::no;
    if (member.method == zip::kDeflated) {
      std::vector<std::byte> content = zip::read_member(store, member, inflated_left_);
      count_inflated(content.size());
      return scan_file(MemoryStore(std::move(content)), member.name, sure);
    }
    // This borrows the archive.
    const std::shared_ptr<const ByteStore> archive(std::shared_ptr<void>(), &store);
    scan_file(tools::PartStore(archive, {member.offset, member.stored_length}), member.name, sure);
  }

  void count_inflated(std::uint64_t bytes) {
    if (bytes > inflated_left_) {
      throw Error(Code::limit, "zip.member.limit", "the members of the archive inflate to more than 256 MiB");
    }
    inflated_left_ -= bytes;
  }

  void scan_file(const ByteStore& store, std::string_view member, pickle::Sure sure) {
    const auto first = [&](std::uint64_t length) { return head_of(store, length); };
    const std::uint64_t begin = find_objects(store.size(), first);
    if (begin != 0) sure = pickle::Sure::no;
    add(store, {begin, store.size() - begin}, member, sure);
  }

  void add(const ByteStore& store, Region range, std::string_view member, pickle::Sure sure) {
    for (pickle::Trace& trace : pickle::trace_pickles(store, range, sure)) {
      ScannedPickle found{std::string(member), trace.offset, trace.is_nested, {}, std::move(trace.fault)};
      for (pickle::Global& global : trace.globals) {
        const auto risk = static_cast<Risk>(global.risk);
        raise(risk);
        found.globals.push_back(
            {std::move(global.module), std::move(global.name), risk, global.called, global.offset, global.count});
      }
      if (trace.is_lost) raise(Risk::danger);
      report_.pickles.push_back(std::move(found));
    }
  }

  ScanReport report_;
  std::uint64_t inflated_left_ = kMostInflated;  // of all members
};

static_assert(static_cast<Risk>(pickle::Risk::inert) == Risk::inert);
static_assert(static_cast<Risk>(pickle::Risk::unknown) == Risk::unknown);
static_assert(static_cast<Risk>(pickle::Risk::danger) == Risk::danger);

}  // namespace

ScanReport scan(const ByteStore& store, std::string_view file_name) { return Scan().run(store, file_name); }

}  // namespace zt
