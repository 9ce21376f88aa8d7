#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "source/merged_attributes.h"

namespace zt::source {

// Makes one catalog of the catalogs of several files of one format. The tensors keep their order.
class Join {
 public:
  // Adds the tensors of the file `name` of `size` bytes. `as_root`: it is the file that the source is opened from; else
  // it becomes another file of the source. Throws malformed "index.tensor.twice" if a file before it has a tensor of
  // the same name, usage if the formats differ, limit for more files than a catalog can name. `only`: a name for the
  // only tensor of the file; "": the tensors keep their names.
  void add(const model::Catalog& catalog, const std::string& name, std::uint64_t size, bool as_root,
           std::string_view only = {});
  // The name of the file that brought the tensor.
  const std::string& file_of(std::uint32_t row) const { return names_[owners_[row]]; }
  model::Catalog& catalog() { return joined_; }
  // The joined catalog, with the attributes of all files: the first value of each key.
  model::Catalog finish() &&;

 private:
  void add_tensor(const model::Catalog& from, std::uint32_t row, std::string_view name,
                  std::vector<std::uint32_t>& rows_of_parts);
  void add_part(const model::Catalog& from, const model::PartRow& part);
  void add_attributes(const model::Catalog& from, const std::string& name);

  model::Catalog joined_;
  std::vector<std::string> names_;     // of the files, in order
  std::vector<std::uint32_t> owners_;  // by tensor: its file
  std::uint16_t first_file_ = 0;       // the number of the current file in the joined catalog
  MergedAttributes attributes_;
  std::vector<std::byte> first_attributes_;  // of the first file, if no other file has more
  std::uint64_t owned_before_ = 0;           // bytes that the joined catalog owned before the current file
};

}  // namespace zt::source
