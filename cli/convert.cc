#include <memory>

#include "commands.h"
#include "transfer.h"

namespace cli {
namespace {

struct Convert : Transfer {
  bool compress = false;
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
      ->each([](const std::string& name) {
        if (name == "auto" || name == "safetensors" || name == "npy" || name == "npz") return;
        check_word(name, {"0.1", "1.0", "1.1", "1.2", "2"},
                   "auto, zt-0.1, zt-1.0, zt-1.1, zt-1.2, zt-2, safetensors, npy or npz");
      });
  command.add_flag("-c,--compress", convert->compress, "compress every tensor with zstd");
  add_level(command, convert->level);
  add_target(command, options);
  add_globs(command, "--include", options.include, "take only tensors whose names match; may be repeated");
  add_globs(command, "--exclude", options.exclude, "leave out tensors whose names match; may be repeated");
  command.add_flag("--skip-unreadable", options.skip_unreadable, "leave out tensors that info lists as unreadable");
  command.add_flag("--delete-original", options.delete_originals,
                   "delete the inputs after the output is complete and was compared with them");
  command.footer(
      "Formats are recognized by content. Without -c, tensors keep their encoding,\n"
      "except in canonical files of format 2, where all are raw.\n\n"
      "Examples:\n"
      "  ztensor convert model.safetensors model.zt\n"
      "  ztensor convert model.zt model.safetensors --max-shard-size 5GB\n"
      "  ztensor convert shard-*.safetensors -o model.zt -c --exclude 'optimizer.*'");
  command.callback([convert, &chosen] {
    check_operands(*convert);
    const bool encode = convert->compress || convert->level.has_value();
    if (encode) convert->options.recode = zt::Encoding::zstd(convert->level.value_or(3));
    chosen = [convert] { return run(*convert); };
  });
}

}  // namespace cli
