#include "ztensor/scan.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/checked.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "foreign/pickle/pickle.h"
#include "foreign/pickle/trace.h"
#include "foreign/zip/directory.h"
#include "foreign/zip/member.h"
#include "io/file.h"
#include "tools/in_file.h"
#include "ztensor/info.h"

namespace zt {
namespace {

namespace pickle = foreign::pickle;
namespace zip = foreign::zip;

constexpr std::uint64_t kMostInflated = std::uint64_t{256} << 20;
constexpr std::string_view kNpyMagic = "\x93NUMPY";

// A stored member of an archive, so that offsets count from its begin.
class MemberStore final : public ByteStore {
 public:
  MemberStore(const ByteStore& archive, const zip::Member& member) : archive_(archive), member_(member) {}
  std::uint64_t size() const override { return member_.stored_length; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!checked::within(offset, out.size(), size())) {
      throw Error(Code::io, "", "the read goes past the end of the file in the archive");
    }
    archive_.read_at(member_.offset + offset, out);
  }

 private:
  const ByteStore& archive_;
  const zip::Member& member_;
};

std::string head_of(const ByteStore& store, std::uint64_t offset, std::size_t most) {
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(most, store.size() - offset)), '\0');
  store.read_at(offset, std::as_writable_bytes(std::span(head)));
  return head;
}

// Where the pickle of an .npy file begins, if it has one: numpy.load() loads it for arrays of objects.
std::uint64_t npy_data(const ByteStore& store) {
  constexpr std::size_t kMostHeader = 65536;
  const std::string head = head_of(store, 0, 12 + kMostHeader);
  if (!head.starts_with(kNpyMagic) || head.size() < 12) return 0;
  const bool is_first = head[6] == 1;
  const auto bytes = as_bytes(head);
  const std::uint64_t length =
      is_first ? endian::load_le<std::uint16_t>(&bytes[8]) : endian::load_le<std::uint32_t>(&bytes[8]);
  const std::uint64_t begin = (is_first ? 10 : 12) + length;
  const bool has_objects =
      head.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(begin, head.size()))).find('O') !=
      std::string::npos;
  return has_objects && begin < store.size() ? begin : 0;
}

class Scan {
 public:
  ScanReport run(const ByteStore& store, std::string_view name) {
    if (zip::kind_of(store) != zip::Kind::none) {
      scan_archive(store);
    } else {
      if (pickle::has_pickle_name(name)) pickle::refuse_compressed(store);
      scan_file(store, "", name);
    }
    return std::move(report_);
  }

 private:
  void raise(Risk risk) { report_.risk = std::max(report_.risk, risk); }

  void scan_archive(const ByteStore& store) {
    try {
      const zip::Directory directory(store, Limits{});
      for (const zip::Member& member : directory.members()) {
        inside("member " + in_quotes(member.name), [&] { scan_member(store, member); });
      }
    } catch (const Error& error) {
      if (error.code() == Code::io) throw;
      add_fault(error);
    }
  }

  // What cannot be looked at may have anything in it.
  void add_fault(const Error& error) {
    report_.faults.emplace_back(error.what());
    raise(Risk::danger);
  }

  void scan_member(const ByteStore& store, const zip::Member& member) {
    if (member.method == zip::kStored && member.obstacle == zip::Obstacle::none) {
      return scan_file(MemberStore(store, member), member.name, member.name);
    }
    // Only what can be a pickle is worth the memory.
    if (!pickle::has_pickle_name(member.name) && !member.name.ends_with(".npy")) return;
    try {
      scan_file(MemoryStore(zip::read_member(store, member, kMostInflated)), member.name, member.name);
    } catch (Error& error) {
      if (error.code() == Code::io) throw;
      add_fault(error);
    }
  }

  void scan_file(const ByteStore& store, std::string_view member, std::string_view name) {
    const std::string head = head_of(store, 0, 2);
    const bool is_marked = head.size() == 2 && head[0] == '\x80' && head[1] >= 0 && head[1] <= 5;
    const bool is_named = pickle::has_pickle_name(name);
    if (const std::uint64_t begin = npy_data(store); begin != 0) {
      return add(store, {begin, store.size() - begin}, member, pickle::Sure::no);
    }
    // Any other file may be a pickle of protocol 0. Members of archives are loaded by their names.
    if (!member.empty() && !is_marked && !is_named) return;
    add(store, {0, store.size()}, member,
        is_named || (is_marked && member.empty()) ? pickle::Sure::yes : pickle::Sure::no);
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
};

static_assert(static_cast<Risk>(pickle::Risk::inert) == Risk::inert);
static_assert(static_cast<Risk>(pickle::Risk::unknown) == Risk::unknown);
static_assert(static_cast<Risk>(pickle::Risk::danger) == Risk::danger);

std::string quoted_or_null(const std::string& text) { return text.empty() ? "null" : json_quote(text); }
std::string json_boolean(bool value) { return value ? "true" : "false"; }

std::string global_json(const ScannedGlobal& global) {
  return R"({"module": )" + json_quote(global.module) + R"(, "name": )" + json_quote(global.name) + R"(, "risk": )" +
         json_quote(risk_name(global.risk)) + R"(, "called": )" + json_boolean(global.called) + R"(, "offset": )" +
         std::to_string(global.offset) + R"(, "count": )" + std::to_string(global.count) + "}";
}

template <class Items, class F>
std::string json_array(const Items& items, F&& text) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ", ") + text(items[i]);
  return out + "]";
}

}  // namespace

ScanReport scan(const std::filesystem::path& path) {
  return tools::in_file(path, [&] { return scan(*io::File::open(path), path.string()); });
}

ScanReport scan(const ByteStore& store, std::string_view file_name) { return Scan().run(store, file_name); }

std::string_view risk_name(Risk risk) noexcept {
  constexpr std::array<std::string_view, 3> kRisks = {"inert", "unknown", "danger"};
  return kRisks[static_cast<std::size_t>(risk)];
}

std::string scan_json(std::string_view file, const ScanReport& report) {
  const auto pickle_json = [](const ScannedPickle& one) {
    return R"({"member": )" + quoted_or_null(one.member) + R"(, "offset": )" + std::to_string(one.offset) +
           R"(, "nested": )" + json_boolean(one.nested) + R"(, "globals": )" + json_array(one.globals, global_json) +
           R"(, "fault": )" + quoted_or_null(one.fault) + "}";
  };
  return R"({"file": )" + json_quote(file) + R"(, "risk": )" + json_quote(risk_name(report.risk)) + R"(, "pickles": )" +
         json_array(report.pickles, pickle_json) + R"(, "faults": )" + json_array(report.faults, json_quote) + "}";
}

}  // namespace zt
