#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <memory>
#include <string>
#include <vector>

#include "bar.h"
#include "commands.h"
#include "terminal.h"
#include "ztensor/diff.h"
#include "ztensor/info.h"
#include "ztensor/paths.h"

namespace cli {
namespace {

struct Id {
  std::vector<std::string> files;
  unsigned threads = 0;
  bool quiet = false;
  bool json = false;
  bool trust_digests = false;
};

std::string id_of(const std::string& file, const Id& id) {
  const zt::Source source = zt::open(zt::path_of(file), {.threads = id.threads});
  for (const std::string& note : source.notes()) print_note(note);
  Bar bar(id.quiet);
  return zt::content_id(source, {.trust_digests = id.trust_digests, .progress = bar.callback()});
}

int run(const Id& id) {
  std::string entries;
  bool well = true;
  for (const std::string& file : id.files) {
    std::string found = "null";
    std::string error_member;
    try {
      const std::string text = id_of(file, id);
      found = zt::json_quote(text);
      if (!id.json) print(id.files.size() == 1 ? text + "\n" : fmt::format("{}  {}\n", text, printable(file)));
    } catch (const zt::Error& error) {
      // One bad file must not hide the files after it.
      if (error.code() == zt::Code::cancelled) throw;
      print_error(error.what());
      error_member = R"(, "error": )" + zt::json_quote(error.what());
      well = false;
    }
    entries += (entries.empty() ? "" : ", ") + (R"({"file": )" + zt::json_quote(file)) + R"(, "id": )" + found +
               error_member + "}";
  }
  if (id.json) print(R"({"files": [)" + entries + "]}\n");
  return well ? 0 : 1;
}

}  // namespace

void add_id(CLI::App& app, Command& chosen) {
  CLI::App& command = add_command(app, "id", "Print a hash over the tensors of a file", {"[OPTIONS] FILE..."});
  const auto id = std::make_shared<Id>();
  add_operands(command, id->files);
  command.add_flag("--json", id->json, "print one JSON document instead of lines");
  command.add_flag("--trust-digests", id->trust_digests,
                   "use the sha256 that a file declares for a part, without reading the part");
  add_threads(command, id->threads);
  command.add_flag("-q,--quiet", id->quiet, "no progress bar");
  command.footer(
      "Two files have the same id if they hold the same tensors: names, shapes, dtypes,\n"
      "layouts, attributes of tensors and contents. Formats, encodings, order and\n"
      "attributes of the files do not matter. With several files, each id is followed\n"
      "by the name of the file.\n\n"
      "Example:\n"
      "  ztensor id model.zt backup/*.zt");
  command.callback([id, &chosen] {
    if (id->files.empty()) throw CLI::ValidationError("a FILE is needed");
    chosen = [id] { return run(*id); };
  });
}

}  // namespace cli
