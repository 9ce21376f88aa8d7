#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ztensor/byte_store.h"

namespace zt {

// What happens when Python loads a pickle that names a global (a class or a function of a module).
enum class Risk : std::uint8_t {
  inert,    // it makes data, and nothing else
  unknown,  // it imports a module and perhaps runs code, which we know nothing about
  danger,   // it is known to run what the pickle says
};

// One global that a pickle names.
struct ScannedGlobal {
  std::string module;  // "?" where only running the pickle would tell
  std::string name;
  Risk risk = Risk::unknown;
  bool called = false;       // and not only named
  std::uint64_t offset = 0;  // where the pickle names it first, in the file or the member
  std::uint64_t count = 0;   // how often the pickle names it
};

// One pickle of a file.
struct ScannedPickle {
  std::string member;        // of the archive; "": the file itself
  std::uint64_t offset = 0;  // where it begins, in the file or the member
  bool nested = false;       // it lies in bytes of another pickle, which loads it
  std::vector<ScannedGlobal> globals;
  std::string fault;  // why it cannot be followed to its end; "": it can
};

struct ScanReport {
  std::vector<ScannedPickle> pickles;  // none: the file is not based on pickle, or see `faults`
  std::vector<std::string> faults;     // parts of the file that could not be looked at
  // The highest risk of all globals. Also `danger` where a fault may hide what Python would still load.
  Risk risk = Risk::inert;
};

// Says what a file would run if Python loaded it in the usual way: pickles, checkpoints of torch, arrays of objects in
// .npy and .npz files. Executes and imports nothing. A compressed file is a fault of the report. Throws io.
[[nodiscard]] ZT_API ScanReport scan(const std::filesystem::path& path);
[[nodiscard]] ZT_API ScanReport scan(const ByteStore& store, std::string_view file_name = "");

[[nodiscard]] ZT_API std::string_view risk_name(Risk risk) noexcept;  // "inert", "unknown", "danger"
// The report as one JSON document (docs/guide/cli.md has its keys), without a newline at the end.
[[nodiscard]] ZT_API std::string scan_json(std::string_view file, const ScanReport& report);

}  // namespace zt
