#include "foreign/torch/torch.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/count_text.h"
#include "base/utf8.h"
#include "foreign/pickle/leaves.h"
#include "foreign/pickle/machine.h"
#include "foreign/pickle/records.h"
#include "foreign/torch/archive.h"
#include "foreign/torch/legacy.h"
#include "foreign/torch/lister.h"
#include "foreign/torch/rows.h"
#include "foreign/torch/storages.h"
#include "foreign/zip/directory.h"
#include "foreign/zip/member.h"
#include "ztensor/error.h"

namespace zt::foreign::torch {
namespace {

constexpr std::uint64_t kMostPickle = std::uint64_t{256} << 20;
constexpr std::string_view kTarMagic = "ustar";
constexpr std::size_t kTarMagicAt = 257;

// Before version 0.1.10, torch.save wrote tar archives, which begin with one of these files.
bool starts_tar(const ByteStore& store) {
  std::array<std::byte, kTarMagicAt + kTarMagic.size()> head;
  if (store.size() < head.size()) return false;
  store.read_at(0, head);
  const std::string_view text = as_text(head);
  const std::string_view name = text.substr(0, std::min<std::size_t>(text.find('\0'), 100));
  return text.ends_with(kTarMagic) &&
         (name == "sys_info" || name == "pickle" || name == "storages" || name == "tensors");
}

model::Catalog new_catalog() {
  model::Catalog catalog;
  catalog.format = "pt";
  catalog.decoded_digests = true;
  return catalog;
}

model::Catalog decode_legacy(const ByteStore& store, const Limits& limits) {
  model::Catalog catalog = new_catalog();
  pickle::Graph graph;
  pickle::OwnedPayloads owned(catalog, store);
  EmbeddedStorages embedded(store, owned);
  LegacyStorages storages(store, {0, store.size()}, graph, &embedded);
  TensorRows rows(catalog, limits);
  TensorLister lister(rows, storages, owned);
  pickle::list_leaves(pickle::Records(store, graph), graph.root, lister, catalog);
  catalog.shrink();
  return catalog;
}

// How many bytes a pickle may have. A value takes a hundred times its bytes in memory, and deflate makes a thousand bytes
// of one. PyTorch stores its pickles, and those of real files shrink to a twentieth.
std::uint64_t most_of(const zip::Member& member, const Limits& limits) {
  constexpr std::uint64_t kAnyPickle = std::uint64_t{1} << 20, kMostGrowth = 64;
  const auto grown = checked::multiply(member.stored_length, kMostGrowth).value_or(kMostPickle);
  return std::min({limits.index_bytes, kMostPickle, std::max(kAnyPickle, grown)});
}

// One pickle of an archive, in memory.
struct Pickle {
  Pickle(const ByteStore& archive, const zip::Member& member, const Limits& limits)
      : store(zip::read_member(archive, member, most_of(member, limits))) {
    const std::uint64_t end = pickle::Machine(store, {0, store.size()}, graph).run();
    if (end != store.size()) {
      throw Error(Code::malformed, "torch.archive.tail", "bytes follow the pickle in " + in_quotes(member.name));
    }
  }
  MemoryStore store;
  pickle::Graph graph;
};

// Lists the tensors of a frozen module: the items of one tuple.
void list_constants(const ByteStore& store, const zip::Directory& directory, const ArchiveInfo& info,
                    const Limits& limits, TensorRows& rows, model::Catalog& catalog) {
  const Pickle pickle(store, *info.constants, limits);
  const pickle::Records records(pickle.store, pickle.graph);
  ArchiveStorages storages(directory, info.folder + "constants/", info.is_big_endian);
  if (pickle.graph.kind(pickle.graph.root) != pickle::Kind::tuple) {
    throw Error(Code::malformed, "torch.archive.constants", "the constants of the archive are not a tuple");
  }
  std::size_t index = 0, others = 0;
  for (const pickle::Id item : pickle.graph.items(pickle.graph.root)) {
    const std::string name = "constants." + std::to_string(index++);
    const pickle::Sort sort = records.sort(item);
    if (sort != pickle::Sort::tensor && sort != pickle::Sort::sparse) {
      ++others;
    } else if (catalog.find(name)) {
      catalog.notes.push_back("constant " + std::to_string(index - 1) +
                              " of the archive is left out: the module has a tensor " + in_quotes(name));
    } else {
      rows.add_or_fault(name, records, item, storages);
    }
  }
  if (others != 0) {
    catalog.notes.push_back("constants of the archive that are left out, because they are no tensors: " +
                            std::to_string(others));
  }
}

model::Catalog decode_archive(const ByteStore& store, const Limits& limits) {
  const zip::Directory directory(store, limits);
  const ArchiveInfo info = read_info(store, directory);
  model::Catalog catalog = new_catalog();
  TensorRows rows(catalog, limits);
  const auto pickle = inside(info.pickle->name, [&] { return Pickle(store, *info.pickle, limits); });
  catalog.expect(directory.members().size(), static_cast<std::size_t>(info.pickle->length));  // which is in memory
  pickle::OwnedPayloads owned(catalog, pickle.store);
  ArchiveStorages storages(directory, info.folder + "data/", info.is_big_endian);
  const bool is_stored = info.pickle->method == zip::kStored;
  TensorLister lister(rows, storages, owned, is_stored ? std::optional(info.pickle->offset) : std::nullopt);
  pickle::Records records(pickle.store, pickle.graph);
  records.read_script_objects();
  pickle::list_leaves(records, pickle.graph.root, lister, catalog);
  if (info.constants != nullptr) {
    inside(info.constants->name, [&] { list_constants(store, directory, info, limits, rows, catalog); });
    if (catalog.size() != 0) std::erase(catalog.notes, pickle::kNoTensors);
  }
  if (const std::uint64_t unused = storages.unused(); unused != 0) {
    catalog.notes.push_back(count_text(unused, "storage of the archive belongs", "storages of the archive belong") +
                            " to no tensor that can be read");
  }
  catalog.shrink();
  return catalog;
}

}  // namespace

bool sniff(const ByteStore& store, std::string_view) {
  const zip::Kind kind = zip::kind_of(store);
  if (kind != zip::Kind::none) return kind != zip::Kind::npz && kind != zip::Kind::empty;
  return starts_legacy(store) || starts_tar(store);
}

model::Catalog decode(const ByteStore& store, const Limits& limits) {
  if (zip::starts_archive(store)) return decode_archive(store, limits);
  if (starts_legacy(store)) return decode_legacy(store, limits);
  if (starts_tar(store)) {
    throw Error(Code::unsupported, "torch.tar",
                "the file is of PyTorch before 0.1.10, a tar archive: save it anew with a later version");
  }
  throw Error(Code::malformed, "torch.format", "the file is neither an archive nor a stream of PyTorch");
}

}  // namespace zt::foreign::torch
