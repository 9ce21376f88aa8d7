#include "transfer.h"

#include <fmt/format.h>
#include <CLI/Error.hpp>
#include <CLI/Validators.hpp>

#include <charconv>
#include <filesystem>

#include "bar.h"
#include "commands.h"
#include "terminal.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"
#include "ztensor/source.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

bool is_tensor_file(const fs::path& path, const zt::OpenOptions& options) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) return false;
  try {
    static_cast<void>(zt::open(path, options));
    return true;
  } catch (const zt::Error& error) {
    // Also true for a broken file, a file that this build cannot read, and a pointer to a file.
    const std::string_view rule = error.rule();
    return rule != "format.unknown" && rule != "format.text" && rule != "format.html";
  }
}

// `ztensor convert a.zt b.zt` may come from `*.zt` with a forgotten `-o`. Do not overwrite the last file then.
void refuse_positional_tensor_file(const std::string& output, const zt::OpenOptions& options) {
  if (!is_tensor_file(zt::path_of(output), options)) return;
  throw zt::Error(
      zt::Code::usage, "",
      fmt::format("{}: exists and is a tensor file; to replace it, name it with -o and add --force", output));
}

// "5GB" as its number of bytes.
std::string as_shard_size(const std::string& text) {
  std::string bytes = text;
  std::uint64_t number = 0;  // CLI11 accepts octal, and wraps negative and too large numbers
  bool valid = std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc() && text[0] != '0';
  try {
    CLI::AsSizeValue(true)(bytes);
  } catch (const CLI::ValidationError&) {
    valid = false;
  }
  if (valid) return bytes;
  throw CLI::ValidationError(
      fmt::format("'{}' is not a size: expected a whole number over 0, alone or as in 5GB or 512MiB", text));
}

// What the tensors were put into. Sharded, a format of others has no file of the name that was asked for, but an index.
struct Written {
  std::string path;
  std::size_t shards = 0;
};

Written find_written(const std::string& output, const zt::ConvertOptions& options) {
  if (options.writer.max_shard_size == 0) return {output};
  std::error_code failed;
  Written written{output};
  if (const std::string index = output + ".index.json";
      !fs::exists(zt::path_of(output), failed) && fs::exists(zt::path_of(index), failed)) {
    written.path = index;
  }
  try {
    written.shards = zt::open(zt::path_of(written.path), options.open).files() - 1;
  } catch (const zt::Error&) {
    return {output};  // another process has changed it meanwhile
  }
  return written;
}

void print_report(const Written& output, const zt::ConvertReport& report, double seconds, bool quiet) {
  for (const std::string& note : report.notes) print_note(note);
  for (const std::string& loss : report.losses) print_note("lost " + loss);
  for (const std::string& skipped : report.skipped) print_note("skipped " + skipped);
  if (quiet) return;
  const std::string shards = output.shards == 0 ? "" : " in " + count_text(output.shards, "shard");
  print(fmt::format("{}: {}{}, {} -> {} in {:.2f} s ({})\n", printable(output.path),
                    count_text(report.tensors, "tensor"), shards, size_text(report.bytes_in),
                    size_text(report.bytes_out), seconds, rate_text(report.bytes_in, seconds)));
}

}  // namespace

void add_transfer_options(CLI::App& command, Transfer& transfer) {
  add_operands(command, transfer.operands);
  add_output(command, transfer.output, "the file to write");
  command.add_flag("--force", transfer.options.overwrite,
                   "replace OUT if it exists; to replace a tensor file, also name it with -o");
  add_threads(command, transfer.threads);
  add_quiet(command, transfer.quiet);
}

void add_level(CLI::App& command, std::optional<int>& level) {
  command.add_option("-l,--level", level, "zstd level, 1 (fast) to 22 (small); default 3")
      ->type_name("LEVEL")
      ->check(CLI::Range(1, 22))
      ->option_text("LEVEL");
}

void add_float(CLI::App& command, bool& is_float) {
  command.add_flag("--float", is_float, "compress as byte planes, which make bfloat16 weights a third smaller");
}

std::optional<zt::Encoding> encoding_of(bool compress, bool is_float, std::optional<int> level) {
  if (is_float) return zt::Encoding::planes(level.value_or(3));
  if (compress || level) return zt::Encoding::zstd(level.value_or(3));
  return std::nullopt;
}

void add_target(CLI::App& command, zt::ConvertOptions& options) {
  command
      .add_option("--to", options.writer.to,
                  "the format of OUT: generation 1.0, 1.2 (default) or 2, or safetensors, npz or gguf (default if OUT "
                  "ends in it)")
      ->type_name("1.0|1.2|2|safetensors|npz|gguf")
      ->each([](const std::string& name) {
        check_word(name, {"1.0", "1.2", "2", "safetensors", "npz", "gguf"}, "1.0, 1.2, 2, safetensors, npz or gguf");
      });
  command.add_flag("--lossy", options.writer.lossy, "leave out what the format cannot hold, and say so");
  command
      .add_flag_callback(
          "--not-canonical", [&options] { options.writer.canonical = false; },
          "format 2: keep encodings, and put parts at multiples of 4096 instead of 65536")
      ->option_text(" ");
  command
      .add_option("--max-shard-size", options.writer.max_shard_size,
                  "put the data into files of at most SIZE bytes beside OUT (5GB, 512MB), except a larger tensor, "
                  "which has its own file; format 2 and safetensors")
      ->transform(as_shard_size)
      ->option_text("SIZE");
}

void check_operands(const Transfer& transfer) {
  const std::size_t given = transfer.operands.size();
  if (!transfer.output && given != 2) {
    throw CLI::ValidationError(fmt::format("without -o OUT, two operands are needed, IN and OUT; got {}", given));
  }
  if (given == 0) throw CLI::ValidationError("an input is needed");
  if (!transfer.output) check_output_name(transfer.operands.back());
}

void check_one_operand(const Transfer& transfer) {
  check_operands(transfer);
  if (transfer.output && transfer.operands.size() > 1) {
    throw CLI::ValidationError(fmt::format("with -o OUT, one input is needed; got {}", transfer.operands.size()));
  }
}

int run(const Transfer& transfer) {
  zt::ConvertOptions options = transfer.options;
  options.open.threads = transfer.threads;
  options.writer.threads = transfer.threads;
  std::vector<fs::path> inputs;
  for (const std::string& operand : transfer.operands) inputs.push_back(zt::path_of(operand));
  if (!transfer.output) {
    inputs.pop_back();
    refuse_positional_tensor_file(transfer.operands.back(), options.open);
  }
  const std::string output = transfer.output.value_or(transfer.operands.back());
  if (transfer.keeps_generation) {
    const zt::Source source = zt::open(inputs.front(), options.open);
    if (source.format() == "zt-1.0" || source.format() == "zt-2") options.writer.to = source.format();
  }
  zt::ConvertReport report;
  double seconds = 0;
  {
    Bar bar(transfer.quiet);
    options.progress = bar.callback();
    report = zt::convert(inputs, zt::path_of(output), options);
    seconds = bar.seconds();
  }
  print_report(find_written(output, options), report, seconds, transfer.quiet);
  return 0;
}

}  // namespace cli
