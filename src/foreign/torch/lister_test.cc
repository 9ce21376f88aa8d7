#include "foreign/torch/lister.h"

#include <gtest/gtest.h>

#include <string>

#include "foreign/pickle/machine.h"
#include "foreign/torch/legacy.h"
#include "pickles.h"

namespace zt::foreign::torch {
namespace {

using namespace test::pickles;

// What is listed of a pickle that does not lie in the file as it is.
model::Catalog list_decoded(const std::string& pickle) {
  const MemoryStore store = stored(pickle);
  pickle::Graph graph;
  pickle::Machine(store, {0, store.size()}, graph).run();
  model::Catalog catalog;
  const Limits limits;
  pickle::OwnedPayloads owned(catalog, store);
  EmbeddedStorages storages(store, owned);
  TensorRows rows(catalog, limits);
  TensorLister lister(rows, storages, owned, std::nullopt);
  pickle::list_leaves(pickle::Records(store, graph), graph.root, lister, catalog);
  return catalog;
}

TEST(TorchLister, BytesThatManyArraysShareAreCopiedOnce) {
  std::string entries = text("a") + array(binary("abcd") + put(1), 4);
  for (int i = 0; i < 100; ++i) entries += text(std::to_string(i)) + array(get(1), 2, "u2");
  const model::Catalog catalog = list_decoded(pickled(dict(entries)));
  EXPECT_EQ(catalog.part_rows(), 101U);
  EXPECT_EQ(catalog.owned().size(), 4U);
}

// Its bytes would be any bytes that follow, as many as the shape says.
TEST(TorchLister, AWrapperOfJoblibIsNoArrayInAnArchive) {
  const std::string state = dict(text("dtype") + dtype("u1") + text("shape") + tuple(number(1 << 30)) + text("order") +
                                 text("C") + text("subclass") + "cnumpy\nndarray\n");
  const model::Catalog catalog =
      list_decoded(pickled(dict(text("a") + "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81" + state + "b")));
  EXPECT_STREQ(catalog.fault(catalog.tensor(0).fault)->rule, "pickle.array.form");
  EXPECT_EQ(catalog.owned().size(), 0U);
}

}  // namespace
}  // namespace zt::foreign::torch
