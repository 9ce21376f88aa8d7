#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "commands.h"
#include "terminal.h"
#include "transfer.h"
#include "ztensor/source.h"

namespace cli {
namespace {

struct Convert : Transfer {
  bool compress = false;
  bool is_float = false;
  std::optional<int> level;
};

void add_globs(CLI::App& command, const std::string& option, std::vector<std::string>& globs, const std::string& help) {
  // Each option takes one value. Otherwise it would take the operands that follow.
  command.add_option(option, globs, help)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("GLOB");
}

void check_format(const std::string& name) {
  const std::vector<std::string_view> known = zt::readable_formats();
  const auto is_named = [&](std::string_view format) { return format == name || format == "zt-" + name; };
  if (name == "auto" || std::ranges::any_of(known, is_named)) return;
  throw CLI::ValidationError(
      fmt::format("'{}' is not a format: expected auto, {}", printable(name), fmt::join(known, ", ")));
}

}  // namespace

void add_convert(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "convert", "Put the tensors of one or more files into one new file",
                                  {"[OPTIONS] IN... -o OUT", "[OPTIONS] IN OUT"});
  const auto convert = std::make_shared<Convert>();
  zt::ConvertOptions& options = convert->options;
  add_transfer_options(command, *convert);
  command
      .add_option("-f,--format", options.from,
                  "the format of the inputs: auto (default), safetensors, zt-1.2, zt-2, ...")
      ->type_name("FORMAT")
      ->each(check_format);
  command.add_flag("-c,--compress", convert->compress, "compress every tensor with zstd");
  add_level(command, convert->level);
  add_float(command, convert->is_float);
  add_target(command, options);
  add_globs(command, "--include", options.include, "take only tensors whose names match; may be repeated");
  add_globs(command, "--exclude", options.exclude, "leave out tensors whose names match; may be repeated");
  command.add_flag("--with-config", options.with_config,
                   "take the small JSON files beside the inputs, such as config.json, as attributes");
  command.add_flag("--skip-unreadable", options.skip_unreadable, "leave out tensors that info lists as unreadable");
  command.add_flag("--delete-original", options.delete_originals,
                   "delete the inputs after the output is complete and was compared with them");
  command.footer(
      "Formats are recognized by content. Without -c and --float, tensors keep their\n"
      "encoding, except that byte planes become raw, and all parts in canonical files of\n"
      "format 2.\n\n"
      "Examples:\n"
      "  ztensor convert model.safetensors model.zt\n"
      "  ztensor convert model.zt model.safetensors --max-shard-size 5GB\n"
      "  ztensor convert shard-*.safetensors -o model.zt -c --exclude 'optimizer.*'");
  command.callback([convert, &chosen] {
    check_operands(*convert);
    convert->options.recode = encoding_of(convert->compress, convert->is_float, convert->level);
    chosen = [convert] { return run(*convert); };
  });
}

}  // namespace cli
