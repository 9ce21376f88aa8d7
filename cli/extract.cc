#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <algorithm>
#include <memory>

#include "commands.h"
#include "terminal.h"
#include "transfer.h"
#include "ztensor/paths.h"
#include "ztensor/source.h"

namespace cli {
namespace {

bool has_wildcard(const std::string& name) { return name.find_first_of("*?[") != std::string::npos; }

// Puts the names that a pattern matches into its place. A word that is a name stays a name, whatever is in it.
void expand_patterns(Transfer& transfer) {
  std::vector<std::string>& names = transfer.options.names;
  if (std::ranges::none_of(names, has_wildcard)) return;  // convert() says which names the file does not have
  const zt::Source source = zt::open(zt::path_of(transfer.operands.front()), {.threads = transfer.threads});
  std::vector<std::string> expanded;
  for (const std::string& name : names) {
    if (!has_wildcard(name) || source.find(name)) {
      expanded.push_back(name);
      continue;
    }
    const std::size_t before = expanded.size();
    for (const zt::Tensor& tensor : source) {
      if (zt::matches_glob(name, tensor.name())) expanded.emplace_back(tensor.name());
    }
    if (expanded.size() == before) {
      throw zt::Error(zt::Code::not_found, "",
                      fmt::format("{}: no tensor is named '{}', and no name matches this pattern: 'ztensor info' lists "
                                  "the names",
                                  printable(transfer.operands.front()), printable(name)));
    }
  }
  names = std::move(expanded);
}

}  // namespace

void add_extract(CLI::App& app, Command& chosen) {
  CLI::App& command =
      add_command(app, "extract", "Put some tensors of a file into a new file", {"[OPTIONS] FILE NAME... -o OUT"});
  const auto transfer = std::make_shared<Transfer>();
  add_transfer_options(command, *transfer);
  add_target(command, transfer->options);
  command.footer(
      "The tensors keep their encoding, except byte planes, which become raw. The new\n"
      "file has the attributes of FILE.\n"
      "A NAME may be a pattern: * stands for any text, ? for one character, [a-z] for\n"
      "one of a set. Quote it for the shell. Put '--' before a name that begins with a\n"
      "dash.\n\n"
      "Examples:\n"
      "  ztensor extract model.safetensors embed.weight head.weight -o small.zt\n"
      "  ztensor extract model.safetensors 'layers.0.*' -o layer.zt");
  command.callback([transfer, &chosen] {
    if (!transfer->output) throw CLI::ValidationError("-o OUT is needed");
    if (transfer->operands.size() < 2) throw CLI::ValidationError("a FILE and a NAME are needed");
    transfer->options.names.assign(transfer->operands.begin() + 1, transfer->operands.end());
    transfer->operands.resize(1);
    check_operands(*transfer);
    chosen = [transfer] {
      expand_patterns(*transfer);
      return run(*transfer);
    };
  });
}

}  // namespace cli
