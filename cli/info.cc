#include "ztensor/info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "commands.h"
#include "terminal.h"
#include "ztensor/dtype.h"
#include "ztensor/paths.h"
#include "ztensor/source.h"

namespace cli {
namespace {

enum Column : std::size_t { kName, kDType, kShape, kLayout, kSize, kEncoding, kDigest, kColumns };

constexpr std::size_t kWidest = 72;  // a longer cell moves only the rest of its own row

struct Row {
  std::array<std::string, kColumns> cells;
  std::vector<std::string> lines = {};  // lines below the row: why the tensor cannot be read, and its attributes
};

struct Table {
  std::vector<Row> rows;
  std::uint64_t decoded = 0;
  bool sparse = false;  // some tensor is not dense
};

// Adds `word` to a list such as "float32+int64", once.
void join(std::string& list, std::string_view word) {
  const std::string bounded = "+" + list + "+";
  if (bounded.find("+" + std::string(word) + "+") != std::string::npos) return;
  if (!list.empty()) list += '+';
  list += word;
}

std::string_view digest_kind(const zt::Part& part) {
  const std::string_view digest = part.digest();
  return digest.empty() ? "none" : digest.substr(0, digest.find(':'));
}

std::string encoding_text(const std::string& encoding, std::uint64_t decoded, std::uint64_t stored) {
  if (encoding == "raw" || stored == 0 || decoded == 0) return encoding;
  return fmt::format("{} {:.2f}x", encoding, static_cast<double>(decoded) / static_cast<double>(stored));
}

Row part_row(const zt::Part& part, std::optional<std::uint64_t> length) {
  Row row;
  row.cells[kName] = "  " + printable(part.role());
  row.cells[kDType] = zt::dtype_name(part.dtype());
  row.cells[kSize] = length ? size_text(*length) : "unknown";
  row.cells[kEncoding] = encoding_text(printable(part.encoding()), length.value_or(0), part.stored_length());
  row.cells[kDigest] = printable(digest_kind(part));
  return row;
}

Row unreadable_row(const zt::Tensor& tensor, const zt::Error& cause) {
  Row row;
  std::uint64_t stored = 0;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const zt::Part part = tensor.part(i);
    stored += part.stored_length();
    // The words in the file, because we may not know them.
    join(row.cells[kDType], printable(part.logical().empty() ? part.storage() : part.logical()));
    join(row.cells[kEncoding], printable(part.encoding()));
    join(row.cells[kDigest], printable(digest_kind(part)));
  }
  row.cells[kSize] = size_text(stored);
  row.lines.push_back("unreadable: " + printable(cause.what()));
  return row;
}

// Whether a tensor is in blocks of ggml. The type tells everything about its one part, and its attributes.
bool is_blocks(const zt::Tensor& tensor) {
  return tensor.layout().starts_with("gguf.") && tensor.layout().ends_with("/1") && tensor.parts() == 1;
}

// Adds a row for the tensor and, unless it is a plain array, a row for each of its parts.
void add_rows(Table& table, const zt::Tensor& tensor) {
  Row row;
  std::vector<Row> part_rows;
  std::uint64_t decoded = 0;
  std::uint64_t stored = 0;
  bool known = true;
  for (std::size_t i = 0; i < tensor.parts(); ++i) {
    const zt::Part part = tensor.part(i);
    const std::optional<std::uint64_t> length = part.length();  // finding an unknown length would take a decode
    known = known && length.has_value();
    decoded += length.value_or(0);
    stored += part.stored_length();
    join(row.cells[kEncoding], printable(part.encoding()));
    join(row.cells[kDigest], printable(digest_kind(part)));
    part_rows.push_back(part_row(part, length));
    const bool sparse_index = tensor.layout().starts_with("sparse_") && part.role() != "values";
    if (!sparse_index) join(row.cells[kDType], zt::dtype_name(part.dtype()));
  }
  if (is_blocks(tensor)) row.cells[kDType] = printable(tensor.type_name());
  row.cells[kSize] = known ? size_text(decoded) : "unknown";
  row.cells[kEncoding] = encoding_text(row.cells[kEncoding], known ? decoded : 0, stored);
  table.decoded += decoded;
  table.rows.push_back(std::move(row));
  if (tensor.layout() == "dense" || is_blocks(tensor)) return;
  std::move(part_rows.begin(), part_rows.end(), std::back_inserter(table.rows));
}

// A line "key: value" for each attribute. `blocks`: without those that the type of blocks implies.
std::vector<std::string> attribute_lines(const zt::Value& attributes, bool blocks = false) {
  std::vector<std::string> lines;
  if (attributes.members() == nullptr) return lines;
  for (const auto& [key, value] : *attributes.members()) {
    if (blocks && (key == zt::Value("elems_per_block") || key == zt::Value("block_bytes"))) continue;
    lines.push_back(fmt::format("{}: {}", attribute_text(key), attribute_text(value)));
  }
  return lines;
}

Table make_table(const zt::Source& source) {
  Table table;
  for (const zt::Tensor& tensor : source) {
    const std::size_t first = table.rows.size();
    try {
      if (const auto cause = tensor.unreadable()) throw *cause;
      add_rows(table, tensor);
    } catch (const zt::Error& cause) {
      table.rows.resize(first);
      table.rows.push_back(unreadable_row(tensor, cause));
    }
    Row& row = table.rows[first];
    row.cells[kName] = printable(tensor.name());
    row.cells[kShape] = fmt::format("[{}]", fmt::join(tensor.shape(), ","));
    row.cells[kLayout] = printable(tensor.layout());
    for (std::string& line : attribute_lines(tensor.attributes(), is_blocks(tensor))) {
      table.rows.back().lines.push_back("attribute " + std::move(line));
    }
    table.sparse = table.sparse || tensor.layout() != "dense";
  }
  return table;
}

void print_row(const Row& row, const std::array<std::size_t, kColumns>& widths, bool with_layout) {
  std::string line;
  for (std::size_t column = 0; column < kColumns; ++column) {
    if (column == kLayout && !with_layout) continue;
    const std::string gap(widths[column] - std::min(widths[column], columns_of(row.cells[column])), ' ');
    line += column == kSize ? gap + row.cells[column] : row.cells[column] + gap;
    line += "  ";
  }
  line.erase(line.find_last_not_of(' ') + 1);
  print(line + "\n");
  for (const std::string& below : row.lines) print("  " + below + "\n");
}

void print_table(const Table& table) {
  if (table.rows.empty()) return;
  const Row header{{"name", "dtype", "shape", "layout", "size", "encoding", "digest"}};
  std::array<std::size_t, kColumns> widths = {};
  const auto widen = [&widths](const Row& row) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      const std::size_t columns = columns_of(row.cells[i]);
      if (columns <= kWidest) widths[i] = std::max(widths[i], columns);
    }
  };
  widen(header);
  std::for_each(table.rows.begin(), table.rows.end(), widen);
  print("\n");
  print_row(header, widths, table.sparse);
  for (const Row& row : table.rows) print_row(row, widths, table.sparse);
}

void print_attributes(const zt::Value& attributes) {
  const std::vector<std::string> lines = attribute_lines(attributes);
  if (!lines.empty()) print("\nattributes\n");
  for (const std::string& line : lines) print("  " + line + "\n");
}

// The size of the file on disk, and of its shards. Those of an ONNX model are files with bytes alone, and two of its
// shards may be the same file.
std::string stored_text(const zt::Source& source) {
  std::string text = size_text(source.stored_size()) + " stored";
  if (source.files() == 1) return text;
  std::set<std::string> names;
  for (std::size_t i = 0; i + 1 < source.files(); ++i) names.insert(source.shard(i).name);
  return text + fmt::format(" + {} in {}", size_text(source.shards_size()),
                            count_text(names.size(), source.format() == "onnx" ? "external file" : "shard"));
}

int run(const std::string& file, bool json) {
  const zt::Source source = zt::open(zt::path_of(file));
  for (const std::string& note : source.notes()) print_note(note);
  if (json) {
    print(zt::info_json(source) + "\n");
    return 0;
  }
  const Table table = make_table(source);
  print(fmt::format("{}: {}, {}, {} decoded, {}\n", printable(file), source.format(),
                    count_text(source.size(), "tensor"), size_text(table.decoded), stored_text(source)));
  for (const zt::QuantizationScheme& scheme : zt::quantization_schemes(source)) {
    print(fmt::format("quantization: {} ({})\n", printable(scheme.name),
                      scheme.weights == 0 ? "by the attributes" : count_text(scheme.weights, "weight")));
  }
  print_attributes(source.attributes());
  print_table(table);
  return 0;
}

}  // namespace

void add_info(CLI::App& app, Command& chosen) {
  CLI::App& command =
      add_command(app, "info", "List the tensors of a file: dtypes, shapes, sizes, encodings", {"[OPTIONS] FILE"});
  struct Info {
    std::vector<std::string> files;
    bool json = false;
    bool quiet = false;
  };
  const auto info = std::make_shared<Info>();
  add_operands(command, info->files);
  command.add_flag("--json", info->json, "print one JSON document, with offsets and digests");
  add_quiet(command, info->quiet);
  command.footer(
      "Reads only the index, so it is fast for a file of any size.\n\n"
      "Examples:\n"
      "  ztensor info model.safetensors\n"
      "  ztensor info model.zt --json");
  command.callback([info, &chosen] {
    if (info->files.size() != 1) {
      throw CLI::ValidationError(fmt::format("one FILE is needed; got {}", info->files.size()));
    }
    chosen = [info] { return run(info->files.front(), info->json); };
  });
}

}  // namespace cli
