#include <cerrno>
#include <cstring>
#include <memory>

#include "capi/shell.h"

namespace capi = zt::capi;

namespace zt::capi {
namespace {

// Calls `release` once, when the last user of a caller's memory or store is gone, if the source could be opened.
class Releaser {
 public:
  Releaser(void (*release)(void*), void* context) : release_(release), context_(context) {}
  Releaser(const Releaser&) = delete;
  Releaser& operator=(const Releaser&) = delete;
  ~Releaser() {
    if (armed_ && release_ != nullptr) release_(context_);
  }
  void arm() noexcept { armed_ = true; }

 private:
  void (*release_)(void*);
  void* context_;
  bool armed_ = false;
};

class CallersStore final : public ByteStore {
 public:
  CallersStore(const zt_store& store, std::shared_ptr<const Releaser> releaser)
      : store_(store), releaser_(std::move(releaser)) {}
  std::uint64_t size() const override { return store_.length; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > store_.length || out.size() > store_.length - offset) {
      throw Error(Code::io, "", "the store ends at " + std::to_string(store_.length) + ", before the end of a read");
    }
    if (out.empty()) return;
    const int failed = store_.read_at(store_.context, offset, out.data(), out.size());
    if (failed != 0) throw Error::system(failed, "", "the store's read_at failed");
  }
  std::uint64_t request_cost() const override {
    return store_.request_cost != 0 ? store_.request_cost : ByteStore::request_cost();
  }

 private:
  const zt_store store_;
  const std::shared_ptr<const Releaser> releaser_;
};

zt_source* open_callers(const std::shared_ptr<const ByteStore>& store, Releaser& releaser, const char* name,
                        const zt_open_options* options) {
  auto source =
      std::make_unique<zt_source>(zt_source{zt::open(store, name == nullptr ? "" : name, open_options_of(options))});
  releaser.arm();
  return source.release();
}

}  // namespace
}  // namespace zt::capi

zt_code zt_open(const char* path, const zt_open_options* options, zt_source** out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_source*& to = capi::needed(out, "out");
    to = new zt_source{zt::open(capi::path_of(path, "path"), capi::open_options_of(options))};
  });
}

zt_code zt_open_many(const char* const* paths, size_t count, const zt_open_options* options, zt_source** out,
                     zt_error* error) {
  return capi::guard(error, [&] {
    zt_source*& to = capi::needed(out, "out");
    to = new zt_source{zt::open(capi::paths_of(paths, count), capi::open_options_of(options))};
  });
}

zt_code zt_open_memory(const void* data, size_t length, const char* name, void (*release)(void* context), void* context,
                       const zt_open_options* options, zt_source** out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_source*& to = capi::needed(out, "out");
    const auto bytes = capi::array_of(static_cast<const std::byte*>(data), length, "data");
    const auto releaser = std::make_shared<capi::Releaser>(release, context);
    to = capi::open_callers(std::make_shared<const zt::MemoryStore>(zt::Bytes(releaser, bytes)), *releaser, name,
                            options);
  });
}

zt_code zt_open_store(const zt_store* store, const char* name, const zt_open_options* options, zt_source** out,
                      zt_error* error) {
  return capi::guard(error, [&] {
    const zt_store given = capi::taken(&capi::needed(store, "store"), "zt_store");
    if (given.read_at == nullptr) capi::throw_usage("read_at of a zt_store is NULL");
    zt_source*& to = capi::needed(out, "out");
    const auto releaser = std::make_shared<capi::Releaser>(given.release, given.context);
    to = capi::open_callers(std::make_shared<const capi::CallersStore>(given, releaser), *releaser, name, options);
  });
}

void zt_source_close(zt_source* source) { delete source; }

size_t zt_source_tensors(const zt_source* source) { return source == nullptr ? 0 : source->source.size(); }

zt_text zt_source_format(const zt_source* source) {
  return capi::borrow(source == nullptr ? std::string_view() : source->source.format());
}

uint64_t zt_source_stored_size(const zt_source* source) { return source == nullptr ? 0 : source->source.stored_size(); }

size_t zt_source_notes(const zt_source* source) { return source == nullptr ? 0 : source->source.notes().size(); }

zt_text zt_source_note(const zt_source* source, size_t number) {
  if (number >= zt_source_notes(source)) return capi::borrow({});
  return capi::borrow(source->source.notes()[number]);
}

size_t zt_source_files(const zt_source* source) { return source == nullptr ? 0 : source->source.files(); }

zt_code zt_source_path(const zt_source* source, size_t file, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    const auto paths = capi::needed(source, "source").source.paths();
    if (file >= paths.size()) {
      throw zt::Error(
          zt::Code::not_found, "",
          "no file has number " + std::to_string(file) + ": there are paths of " + std::to_string(paths.size()));
    }
    capi::give_text(to, zt::utf8_of(paths[file]));
  });
}

zt_code zt_source_map_file(const zt_source* source, size_t file, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    capi::give_bytes(to, capi::needed(source, "source").source.map_file(file));
  });
}

zt_code zt_source_attributes_json(const zt_source* source, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    capi::give_text(to, zt::json_value(capi::needed(source, "source").source.attributes()));
  });
}

zt_code zt_source_attributes_cbor(const zt_source* source, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    const auto keeper = std::make_shared<const zt::Source>(capi::needed(source, "source").source);
    capi::give_bytes(to, zt::Bytes(keeper, keeper->attributes_cbor()));
  });
}

zt_code zt_source_info_json(const zt_source* source, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    capi::give_text(to, zt::info_json(capi::needed(source, "source").source));
  });
}
