#include "ztensor/diff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bar.h"
#include "commands.h"
#include "signals.h"
#include "terminal.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace cli {
namespace {

using Kind = zt::Difference::Kind;

enum Exit : int { kSame = 0, kDifferent = 1, kTrouble = 2 };

struct Diff {
  std::vector<std::string> files;
  unsigned threads = 0;
  bool quiet = false;
  bool json = false;
};

// A tuple as in Python: "(2, 3)", "(3,)".
template <class Numbers, class Text>
std::string tuple(const Numbers& numbers, const Text& text) {
  std::vector<std::string> words;
  std::transform(numbers.begin(), numbers.end(), std::back_inserter(words), text);
  return fmt::format("({}{})", fmt::join(words, ", "), words.size() == 1 ? "," : "");
}

std::string value_text(const zt::Value& value) {
  constexpr std::size_t kMost = 200;  // --json has the whole text
  std::string text = attribute_text(value);
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "...";
}

std::string element_text(const zt::Value& value, zt::DType dtype) {
  if (const auto* halves = value.array(); halves != nullptr && halves->size() == 2) {
    const zt::DType half = dtype == zt::DType::complex64 ? zt::DType::f32 : zt::DType::f64;
    return fmt::format("({}, {}j)", element_text((*halves)[0], half), element_text((*halves)[1], half));
  }
  const double* number = value.floating();
  if (number == nullptr) return value_text(value);
  // The shortest text that no other number of the dtype has.
  return zt::dtype_bits(dtype) <= 32 ? fmt::format("{}", static_cast<float>(*number)) : fmt::format("{}", *number);
}

std::string contents_text(const zt::Difference& difference) {
  const zt::ContentDifference& contents = *difference.contents;
  const std::string at = contents.at.empty()
                             ? std::to_string(contents.first)
                             : tuple(contents.at, [](std::uint64_t index) { return std::to_string(index); });
  std::string text = fmt::format(
      "{} of {} differ, first at {}: {} -> {}", contents.differing, count_text(contents.elements, "element"), at,
      element_text(*difference.a, contents.dtype), element_text(*difference.b, contents.dtype));
  if (contents.largest) text += fmt::format("; largest difference {:.6g}", *contents.largest);
  return text;
}

// The values of both files: "2 -> 3", "2, only in A".
std::string sides_text(const zt::Difference& difference) {
  const auto text = [&](const zt::Value& value) {
    if (difference.kind != Kind::shape || value.array() == nullptr) return value_text(value);
    return tuple(*value.array(), [](const zt::Value& size) { return zt::json_value(size); });
  };
  if (!difference.a) return difference.b ? text(*difference.b) + ", only in B" : "";
  if (!difference.b) return text(*difference.a) + ", only in A";
  return text(*difference.a) + " -> " + text(*difference.b);
}

std::string line_of(const zt::Difference& difference) {
  const std::string name = difference.tensor ? printable(*difference.tensor) : "(file)";
  if (difference.kind == Kind::only_in_a) return "- " + name + "\n";
  if (difference.kind == Kind::only_in_b) return "+ " + name + "\n";
  std::string line = "~ " + name + ": ";
  if (!difference.part.empty() && difference.part != "data") line += "part '" + printable(difference.part) + "': ";
  switch (difference.kind) {
    case Kind::attribute: line += "attribute '" + printable(difference.key) + "': " + sides_text(difference); break;
    case Kind::part: line += sides_text(difference); break;
    case Kind::length: line += "bytes " + sides_text(difference); break;
    case Kind::contents: line += contents_text(difference); break;
    default: line += std::string(zt::difference_name(difference.kind)) + " " + sides_text(difference);
  }
  return line + "\n";
}

void print_report(const zt::DiffReport& report) {
  std::size_t only_a = 0;
  std::size_t only_b = 0;
  std::size_t differing = 0;
  const std::string* last = nullptr;  // differences of one tensor follow each other
  for (const zt::Difference& difference : report.differences) {
    print(line_of(difference));
    if (!difference.tensor) continue;
    only_a += difference.kind == Kind::only_in_a ? 1 : 0;
    only_b += difference.kind == Kind::only_in_b ? 1 : 0;
    const bool in_both = difference.kind != Kind::only_in_a && difference.kind != Kind::only_in_b;
    if (in_both && (last == nullptr || *last != *difference.tensor)) ++differing;
    last = &*difference.tensor;
  }
  if (report.same()) return;
  std::string summary = fmt::format("{} compared, {} different, {} only in A, {} only in B",
                                    count_text(report.compared, "tensor"), differing, only_a, only_b);
  if (!report.findings.empty()) summary += fmt::format(", {} could not be compared", report.findings.size());
  print(summary + "\n");
}

zt::Source open_file(const std::string& file, const Diff& diff) {
  zt::Source source = zt::open(zt::path_of(file), {.threads = diff.threads});
  for (const std::string& note : source.notes()) print_note(note);
  return source;
}

int compare(const Diff& diff) {
  const zt::Source a = open_file(diff.files[0], diff);
  const zt::Source b = open_file(diff.files[1], diff);
  zt::DiffReport report;
  {
    Bar bar(diff.quiet);
    report = zt::diff(a, b, {.first_only = diff.quiet && !diff.json, .progress = bar.callback()});
  }
  for (const zt::Finding& finding : report.findings) print_error(finding.error.what());
  const int verdict = !report.differences.empty() ? kDifferent : report.same() ? kSame : kTrouble;
  try {
    if (diff.json) {
      print(zt::diff_json(a, b, report) + "\n");
    } else if (!diff.quiet) {
      print_report(report);
    }
    flush_output();
  } catch (const ClosedPipe&) {  // nobody reads the lines any more, but the exit code is the answer
  }
  return verdict;
}

// Exit code 1 means "different" here, so a failure must not end with 1.
int run(const Diff& diff) {
  try {
    return compare(diff);
  } catch (const zt::Error& error) {
    print_error(error.code() == zt::Code::cancelled && interrupted() != 0 ? "interrupted" : error.what());
  } catch (const std::bad_alloc&) {
    print_error("not enough memory");
  }
  return kTrouble;
}

}  // namespace

void add_diff(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "diff", "Compare the tensors of two files", {"[OPTIONS] A B"});
  const auto diff = std::make_shared<Diff>();
  add_operands(command, diff->files);
  command.add_flag("--json", diff->json, "print one JSON document instead of lines");
  add_threads(command, diff->threads);
  command.add_flag("-q,--quiet", diff->quiet, "print only errors, and stop at the first difference");
  command.footer(
      "Compares names, shapes, dtypes, layouts, attributes and contents. Formats,\n"
      "encodings and order do not matter. Prints nothing if the files are the same, else\n"
      "  - NAME          a tensor only in A\n"
      "  + NAME          a tensor only in B\n"
      "  ~ NAME: ...     a difference\n"
      "Exits with 0 if the files are the same, 1 if they differ, 2 if a file or a\n"
      "tensor cannot be read and no difference was found.\n\n"
      "Example:\n"
      "  ztensor diff model.safetensors model.zt");
  command.callback([diff, &chosen] {
    if (diff->files.size() != 2) {
      throw CLI::ValidationError(fmt::format("two files are needed, A and B; got {}", diff->files.size()));
    }
    chosen = [diff] { return run(*diff); };
  });
}

}  // namespace cli
