#include <memory>

#include "capi/shell.h"

namespace capi = zt::capi;

namespace zt::capi {
namespace {

class CallersSink final : public ByteSink {
 public:
  explicit CallersSink(const zt_sink& sink) : sink_(sink) {}
  CallersSink(const CallersSink&) = delete;
  CallersSink& operator=(const CallersSink&) = delete;
  ~CallersSink() override {
    if (armed_ && sink_.release != nullptr) sink_.release(sink_.context);
  }
  void arm() noexcept { armed_ = true; }  // the writer was made
  void write(std::span<const std::byte> bytes) override {
    const int failed = sink_.write(sink_.context, bytes.data(), bytes.size());
    if (failed != 0) throw Error::system(failed, "", "the sink's write failed");
  }

 private:
  const zt_sink sink_;
  bool armed_ = false;
};

Shape copied_shape(const std::uint64_t* shape, std::size_t rank) {
  const auto sizes = shape_of(shape, rank, "shape");
  return {sizes.begin(), sizes.end()};
}

Writer& writer_of(zt_writer* writer) { return needed(writer, "writer").writer; }
const Writer& writer_of(const zt_writer* writer) { return needed(writer, "writer").writer; }

WriteMode mode_of(zt_write_mode mode) {
  switch (mode) {
    case ZT_MODE_REPLACE: return WriteMode::replace;
    case ZT_MODE_CREATE: return WriteMode::create_new;
    case ZT_MODE_APPEND: return WriteMode::append;
    default: throw_usage("no zt_write_mode has the number " + std::to_string(mode));
  }
}

}  // namespace
}  // namespace zt::capi

zt_code zt_writer_create(const char* path, zt_write_mode mode, const zt_writer_options* options, zt_writer** out,
                         zt_error* error) {
  return capi::guard(error, [&] {
    zt_writer*& to = capi::needed(out, "out");
    const std::filesystem::path name = capi::path_of(path, "path");
    to = new zt_writer{zt::Writer::create(name, capi::mode_of(mode), capi::writer_options_of(options))};
  });
}

zt_code zt_writer_create_sink(const zt_sink* sink, const zt_writer_options* options, zt_writer** out, zt_error* error) {
  return capi::guard(error, [&] {
    const zt_sink given = capi::taken(&capi::needed(sink, "sink"), "zt_sink");
    if (given.write == nullptr) capi::throw_usage("write of a zt_sink is NULL");
    zt_writer*& to = capi::needed(out, "out");
    auto callers = std::make_unique<capi::CallersSink>(given);
    capi::CallersSink& kept = *callers;  // the writer has it, until the writer ends
    auto made =
        std::make_unique<zt_writer>(zt_writer{zt::Writer::to(std::move(callers), capi::writer_options_of(options))});
    kept.arm();
    to = made.release();
  });
}

zt_code zt_writer_add(zt_writer* writer, const char* name, const zt_array* array, const zt_add_options* options,
                      zt_error* error) {
  return capi::guard(error, [&] {
    capi::writer_of(writer).add(capi::text_of(name, "name"), capi::view_of(capi::needed(array, "array")),
                                capi::add_options_of(options));
  });
}

zt_code zt_writer_add_csr(zt_writer* writer, const char* name, const uint64_t* shape, const zt_array* values,
                          const zt_array* indices, const zt_array* indptr, const zt_add_options* options,
                          zt_error* error) {
  return capi::guard(error, [&] {
    capi::writer_of(writer).add_csr(capi::text_of(name, "name"), capi::copied_shape(shape, 2),
                                    capi::view_of(capi::needed(values, "values")),
                                    capi::view_of(capi::needed(indices, "indices")),
                                    capi::view_of(capi::needed(indptr, "indptr")), capi::add_options_of(options));
  });
}

zt_code zt_writer_add_coo(zt_writer* writer, const char* name, const uint64_t* shape, size_t rank,
                          const zt_array* values, const zt_array* indices, const zt_add_options* options,
                          zt_error* error) {
  return capi::guard(error, [&] {
    capi::writer_of(writer).add_coo(capi::text_of(name, "name"), capi::copied_shape(shape, rank),
                                    capi::view_of(capi::needed(values, "values")),
                                    capi::view_of(capi::needed(indices, "indices")), capi::add_options_of(options));
  });
}

zt_code zt_writer_add_object(zt_writer* writer, const char* name, const uint64_t* shape, size_t rank,
                             const char* layout, const char* const* roles, const zt_array* parts, size_t count,
                             const zt_add_options* options, zt_error* error) {
  return capi::guard(error, [&] {
    const std::size_t most = zt::Limits().parts;
    if (count > most) capi::throw_usage(std::to_string(count) + " parts: at most " + std::to_string(most));
    const std::vector<std::string> words = capi::texts_of(roles, count, "an entry of roles");
    if (count != 0) capi::check_size(capi::needed(parts, "parts").size, sizeof(zt_array), nullptr, "zt_array");
    std::vector<zt::PartView> views;
    for (std::size_t i = 0; i < count; ++i) {  // the caller's zt_array may be larger than ours
      const auto* at = reinterpret_cast<const char*>(parts) + i * parts->size;
      views.push_back({words[i], capi::view_of(*reinterpret_cast<const zt_array*>(at))});
    }
    capi::writer_of(writer).add_object(capi::text_of(name, "name"), capi::copied_shape(shape, rank),
                                       capi::text_of(layout, "layout"), views, capi::add_options_of(options));
  });
}

zt_code zt_writer_add_alias(zt_writer* writer, const char* name, const char* existing, zt_error* error) {
  return capi::guard(error, [&] {
    capi::writer_of(writer).add_alias(capi::text_of(name, "name"), capi::text_of(existing, "existing"));
  });
}

zt_code zt_writer_add_stored(zt_writer* writer, const char* name, const zt_source* source, size_t tensor,
                             const zt_add_options* options, zt_error* error) {
  return capi::guard(error, [&] {
    const zt::AddOptions given = capi::add_options_of(options);
    if (given.checksum || !given.attributes.is_null()) {
      capi::throw_usage("a stored tensor keeps its checksum and attributes: set neither");
    }
    capi::writer_of(writer).add_stored(capi::text_of(name, "name"), capi::needed(source, "source").source[tensor],
                                       given.encoding, given.replace);
  });
}

zt_code zt_writer_add_reference(zt_writer* writer, const char* name, const zt_source* source, size_t tensor,
                                zt_error* error) {
  return capi::guard(error, [&] {
    capi::writer_of(writer).add_reference(capi::text_of(name, "name"), capi::needed(source, "source").source[tensor]);
  });
}

zt_code zt_writer_stream(zt_writer* writer, const char* name, const uint64_t* shape, size_t rank, zt_dtype dtype,
                         const zt_add_options* options, zt_stream** out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_stream*& to = capi::needed(out, "out");
    to = new zt_stream{capi::writer_of(writer).stream(capi::text_of(name, "name"), capi::copied_shape(shape, rank),
                                                      capi::dtype_of(dtype), capi::add_options_of(options))};
  });
}

zt_code zt_stream_write(zt_stream* stream, const zt_array* chunk, zt_error* error) {
  return capi::guard(error,
                     [&] { capi::needed(stream, "stream").stream.write(capi::view_of(capi::needed(chunk, "chunk"))); });
}

uint64_t zt_stream_rows(const zt_stream* stream) {
  std::uint64_t rows = 0;
  capi::guard(nullptr, [&] { rows = capi::needed(stream, "stream").stream.rows(); });
  return rows;
}

zt_code zt_stream_finish(zt_stream* stream, zt_error* error) {
  return capi::guard(error, [&] { capi::needed(stream, "stream").stream.finish(); });
}

void zt_stream_free(zt_stream* stream) { delete stream; }

zt_code zt_writer_remove(zt_writer* writer, const char* name, zt_error* error) {
  return capi::guard(error, [&] { capi::writer_of(writer).remove(capi::text_of(name, "name")); });
}

zt_code zt_writer_set_tensor_attributes(zt_writer* writer, const char* name, const zt_attributes* attributes,
                                        zt_error* error) {
  return capi::guard(error, [&] {
    capi::writer_of(writer).set_tensor_attributes(capi::text_of(name, "name"),
                                                  capi::value_of(capi::needed(attributes, "attributes")));
  });
}

zt_code zt_writer_set_attributes(zt_writer* writer, const zt_attributes* attributes, zt_error* error) {
  return capi::guard(
      error, [&] { capi::writer_of(writer).set_attributes(capi::value_of(capi::needed(attributes, "attributes"))); });
}

zt_code zt_writer_attributes_json(const zt_writer* writer, zt_bytes* out, zt_error* error) {
  return capi::guard(error, [&] {
    zt_bytes& to = capi::needed(out, "out");
    capi::give_text(to, zt::json_value(capi::writer_of(writer).attributes()));
  });
}

bool zt_writer_has(const zt_writer* writer, const char* name) {
  bool has = false;
  capi::guard(nullptr, [&] { has = capi::writer_of(writer).has(capi::text_of(name, "name")); });
  return has;
}

zt_code zt_writer_set_progress(zt_writer* writer, zt_progress progress, uint64_t total, zt_error* error) {
  return capi::guard(error, [&] { capi::writer_of(writer).set_progress(capi::progress_of(progress), total); });
}

zt_text zt_writer_format(const zt_writer* writer) {
  return capi::borrow(writer == nullptr ? std::string_view() : writer->writer.format());
}

zt_code zt_writer_finalize(zt_writer* writer, zt_error* error) {
  return capi::guard(error, [&] { capi::writer_of(writer).finalize(); });
}

uint64_t zt_writer_bytes_written(const zt_writer* writer) {
  std::uint64_t bytes = 0;
  capi::guard(nullptr, [&] { bytes = capi::writer_of(writer).bytes_written(); });
  return bytes;
}

uint64_t zt_writer_reclaimable(const zt_writer* writer) {
  std::uint64_t bytes = 0;
  capi::guard(nullptr, [&] { bytes = capi::writer_of(writer).reclaimable(); });
  return bytes;
}

void zt_writer_lines(const zt_writer* writer, zt_lines lines) {
  capi::guard(nullptr, [&] {
    capi::tell(lines, ZT_LINE_LOSS, capi::writer_of(writer).losses());
    capi::tell(lines, ZT_LINE_NOTE, capi::writer_of(writer).notes());
  });
}

void zt_writer_free(zt_writer* writer) { delete writer; }
