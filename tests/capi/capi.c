/* Uses zTensor as a C program does. Compiled as C11 and, by capi_as_cpp.cc, as C++. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztensor/c.h"

static int failures = 0;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      printf("%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

/* A call that must work. */
#define WORKS(call)                                                                                      \
  do {                                                                                                   \
    memset(&error, 0, sizeof error);                                                                     \
    error.size = sizeof error;                                                                           \
    if ((call) != ZT_OK) {                                                                               \
      printf("%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call, zt_code_name(error.code), error.message); \
      exit(1);                                                                                           \
    }                                                                                                    \
  } while (0)

/* A call that must fail with this code, and with a message that has this text. */
#define FAILS(call, expected, text)                                                               \
  do {                                                                                            \
    memset(&error, 0, sizeof error);                                                              \
    error.size = sizeof error;                                                                    \
    const zt_code got = (call);                                                                   \
    if (got != (expected) || error.code != got || strstr(error.message, text) == NULL) {          \
      printf("%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call, zt_code_name(got), error.message); \
      ++failures;                                                                                 \
    }                                                                                             \
  } while (0)

static zt_error error;

static bool is_text(zt_text text, const char* expected) {
  return text.length == strlen(expected) && memcmp(text.data, expected, text.length) == 0;
}

static zt_array array_of(zt_dtype dtype, const uint64_t* shape, size_t rank, const void* data) {
  zt_array array;
  memset(&array, 0, sizeof array);
  array.size = sizeof array;
  array.dtype = dtype;
  array.shape = shape;
  array.rank = rank;
  array.data = data;
  return array;
}

static size_t find(const zt_source* source, const char* name) {
  size_t tensor = 0;
  WORKS(zt_tensor_find(source, name, &tensor, &error));
  return tensor;
}

static void write_model(const char* path) {
  zt_writer* writer = NULL;
  zt_writer_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.attributes.json = "{\"step\": 7, \"tags\": [\"a\", 1.5]}";
  WORKS(zt_writer_create(path, ZT_MODE_REPLACE, &options, &writer, &error));
  CHECK(is_text(zt_writer_format(writer), "zt-1.2"));

  const float weights[6] = {1, 2, 3, 4, 5, 6};
  const uint64_t shape[2] = {2, 3};
  zt_array array = array_of(ZT_FLOAT32, shape, 2, weights);
  zt_add_options add;
  memset(&add, 0, sizeof add);
  add.size = sizeof add;
  add.attributes.json = "{\"unit\": \"m\"}";
  WORKS(zt_writer_add(writer, "weights", &array, &add, &error));
  FAILS(zt_writer_add(writer, "weights", &array, NULL, &error), ZT_ERROR_USAGE, "weights");
  WORKS(zt_writer_add_alias(writer, "tied", "weights", &error));

  const uint64_t turned_shape[2] = {3, 2};
  const int64_t strides[2] = {4, 12};
  zt_array turned = array_of(ZT_FLOAT32, turned_shape, 2, weights);
  turned.strides = strides;
  WORKS(zt_writer_add(writer, "turned", &turned, NULL, &error));

  const double number = 2.5;
  zt_array scalar = array_of(ZT_FLOAT64, NULL, 0, &number);
  WORKS(zt_writer_add(writer, "scalar", &scalar, NULL, &error));
  const uint64_t nothing[2] = {0, 5};
  zt_array empty = array_of(ZT_INT8, nothing, 2, NULL);
  WORKS(zt_writer_add(writer, "empty", &empty, NULL, &error));

  static int32_t zeros[50000];
  const uint64_t many[1] = {50000};
  zt_array packed = array_of(ZT_INT32, many, 1, zeros);
  zt_add_options zstd;
  memset(&zstd, 0, sizeof zstd);
  zstd.size = sizeof zstd;
  zstd.encoding = ZT_ENCODING_ZSTD;
  zstd.checksum = ZT_CHECKSUM_SHA256;
  WORKS(zt_writer_add(writer, "packed", &packed, &zstd, &error));

  const float values[3] = {10, 20, 30};
  const uint64_t columns[3] = {1, 0, 2}, rows[3] = {0, 1, 3}, three[1] = {3}, matrix[2] = {2, 3};
  const zt_array value_part = array_of(ZT_FLOAT32, three, 1, values);
  const zt_array column_part = array_of(ZT_UINT64, three, 1, columns);
  const zt_array row_part = array_of(ZT_UINT64, three, 1, rows);
  WORKS(zt_writer_add_csr(writer, "graph", matrix, &value_part, &column_part, &row_part, NULL, &error));
  const uint64_t wrong_columns[3] = {1, 0, 9};
  const zt_array wrong = array_of(ZT_UINT64, three, 1, wrong_columns);
  FAILS(zt_writer_add_csr(writer, "wrong", matrix, &value_part, &wrong, &row_part, NULL, &error), ZT_ERROR_USAGE,
        "wrong");
  const uint64_t coordinates[6] = {0, 1, 1, 1, 0, 2}, pairs[2] = {2, 3};
  const zt_array coordinate_part = array_of(ZT_UINT64, pairs, 2, coordinates);
  WORKS(zt_writer_add_coo(writer, "cells", matrix, 2, &value_part, &coordinate_part, NULL, &error));

  const char* roles[2] = {"low", "high"};
  const zt_array parts[2] = {value_part, column_part};
  WORKS(zt_writer_add_object(writer, "own", three, 1, "x.own/1", roles, parts, 2, NULL, &error));

  zt_stream* stream = NULL;
  const uint64_t streamed[2] = {ZT_UNKNOWN_ROWS, 3};
  WORKS(zt_writer_stream(writer, "streamed", streamed, 2, ZT_FLOAT32, NULL, &stream, &error));
  FAILS(zt_writer_add(writer, "meanwhile", &array, NULL, &error), ZT_ERROR_USAGE, "streamed");
  WORKS(zt_stream_write(stream, &array, &error));
  FAILS(zt_stream_write(stream, &scalar, &error), ZT_ERROR_USAGE, "streamed");
  WORKS(zt_stream_write(stream, &array, &error));
  CHECK(zt_stream_rows(stream) == 4);
  WORKS(zt_stream_finish(stream, &error));
  zt_stream_free(stream);
  stream = NULL;
  WORKS(zt_writer_stream(writer, "dropped", streamed, 2, ZT_FLOAT32, NULL, &stream, &error));
  zt_stream_free(stream);

  CHECK(zt_writer_has(writer, "graph") && !zt_writer_has(writer, "dropped"));
  WORKS(zt_writer_finalize(writer, &error));
  CHECK(zt_writer_bytes_written(writer) > 0);
  FAILS(zt_writer_finalize(writer, &error), ZT_ERROR_USAGE, "");
  zt_writer_free(writer);
}

static void read_model(const zt_source* source) {
  CHECK(zt_source_tensors(source) == 10);
  CHECK(is_text(zt_source_format(source), "zt-1.2"));
  CHECK(zt_source_files(source) == 1 && zt_source_notes(source) == 0);

  zt_bytes bytes = {NULL, 0, NULL};
  WORKS(zt_source_attributes_json(source, &bytes, &error));
  CHECK(strstr((const char*)bytes.data, "\"step\": 7") != NULL ||
        strstr((const char*)bytes.data, "\"step\":7") != NULL);
  CHECK(((const char*)bytes.data)[bytes.length] == '\0');
  zt_bytes_free(&bytes);
  zt_bytes_free(&bytes); /* is all zeros now */
  WORKS(zt_source_attributes_cbor(source, &bytes, &error));
  CHECK(bytes.length > 0);
  zt_bytes_free(&bytes);
  WORKS(zt_source_info_json(source, &bytes, &error));
  CHECK(strstr((const char*)bytes.data, "weights") != NULL);
  zt_bytes_free(&bytes);

  const size_t weights = find(source, "weights");
  zt_tensor_info info;
  memset(&info, 0, sizeof info);
  info.size = sizeof info;
  WORKS(zt_tensor_get(source, weights, &info, &error));
  CHECK(is_text(info.name, "weights") && is_text(info.layout, "dense") && info.rank == 2 && info.shape[1] == 3);
  CHECK(info.elements == 6 && info.parts == 1 && info.bytes == 24 && info.dtype == ZT_FLOAT32 && info.readable);
  WORKS(zt_tensor_check(source, weights, &error));
  WORKS(zt_tensor_attributes_json(source, weights, &bytes, &error));
  CHECK(strstr((const char*)bytes.data, "unit") != NULL);
  zt_bytes_free(&bytes);

  float data[6] = {0};
  WORKS(zt_tensor_read(source, weights, data, sizeof data, ZT_VERIFY_DEFAULT, &error));
  CHECK(data[0] == 1 && data[5] == 6);
  FAILS(zt_tensor_read(source, weights, data, 20, ZT_VERIFY_DEFAULT, &error), ZT_ERROR_USAGE, "weights");
  WORKS(zt_tensor_read(source, find(source, "turned"), data, sizeof data, ZT_VERIFY_ALWAYS, &error));
  CHECK(data[0] == 1 && data[1] == 4 && data[2] == 2);
  WORKS(zt_tensor_read_rows(source, weights, 1, 2, data, 12, &error));
  CHECK(data[0] == 4 && data[2] == 6);
  FAILS(zt_tensor_read_rows(source, weights, 2, 1, data, 0, &error), ZT_ERROR_USAGE, "after");
  const uint64_t list[2] = {2, 0};
  zt_axis axes[2];
  memset(axes, 0, sizeof axes);
  axes[0].kind = ZT_AXIS_RANGE;
  axes[0].start = 1;
  axes[0].count = 2;
  axes[0].step = -1;
  axes[1].kind = ZT_AXIS_LIST;
  axes[1].count = 2;
  axes[1].list = list;
  const zt_progress silent = {NULL, NULL};
  WORKS(zt_tensor_read_slice(source, weights, axes, 2, data, 16, ZT_VERIFY_DEFAULT, silent, &error));
  CHECK(data[0] == 6 && data[1] == 4 && data[2] == 3 && data[3] == 1);

  double number = 0;
  WORKS(zt_tensor_read(source, find(source, "scalar"), &number, sizeof number, ZT_VERIFY_DEFAULT, &error));
  CHECK(number == 2.5);
  WORKS(zt_tensor_read(source, find(source, "empty"), NULL, 0, ZT_VERIFY_DEFAULT, &error));

  const size_t packed = find(source, "packed");
  zt_part_info part;
  memset(&part, 0, sizeof part);
  part.size = sizeof part;
  WORKS(zt_part_get(source, packed, 0, &part, &error));
  CHECK(is_text(part.role, "data") && is_text(part.encoding, "zstd") && part.bytes == 200000 && !part.mappable);
  CHECK(part.stored_bytes < 1000 && part.file == 0 && part.dtype == ZT_INT32);
  FAILS(zt_part_map(source, packed, 0, ZT_VERIFY_DEFAULT, &bytes, &error), ZT_ERROR_UNSUPPORTED, "packed");
  FAILS(zt_part_get(source, packed, 1, &part, &error), ZT_ERROR_NOT_FOUND, "");

  const size_t graph = find(source, "graph");
  uint64_t indices[6] = {0}, indptr[3] = {0};
  WORKS(zt_tensor_read_indices(source, graph, indices, 3, indptr, 3, ZT_VERIFY_DEFAULT, &error));
  CHECK(indices[0] == 1 && indices[2] == 2 && indptr[2] == 3);
  FAILS(zt_tensor_read_indices(source, graph, indices, 2, indptr, 3, ZT_VERIFY_DEFAULT, &error), ZT_ERROR_USAGE,
        "3 entries");
  WORKS(zt_tensor_read_indices(source, find(source, "cells"), indices, 6, NULL, 0, ZT_VERIFY_DEFAULT, &error));
  CHECK(indices[1] == 1 && indices[5] == 2);
  FAILS(zt_tensor_read_indices(source, weights, indices, 6, NULL, 0, ZT_VERIFY_DEFAULT, &error), ZT_ERROR_USAGE,
        "weights");

  float two[3] = {0}, again[6] = {0};
  size_t values = 9;
  WORKS(zt_part_find(source, graph, "values", &values, &error));
  FAILS(zt_part_find(source, graph, "none", &values, &error), ZT_ERROR_NOT_FOUND, "none");
  zt_read reads[2];
  reads[0].tensor = graph;
  reads[0].part = values;
  reads[0].out = two;
  reads[0].length = sizeof two;
  reads[1].tensor = find(source, "tied");
  reads[1].part = 0;
  reads[1].out = again;
  reads[1].length = sizeof again;
  WORKS(zt_read_many(source, reads, 2, ZT_VERIFY_DEFAULT, silent, &error));
  CHECK(two[2] == 30 && again[5] == 6);

  WORKS(zt_tensor_get(source, find(source, "streamed"), &info, &error));
  CHECK(info.shape[0] == 4 && info.bytes == 48);
  size_t none = 0;
  FAILS(zt_tensor_find(source, "none", &none, &error), ZT_ERROR_NOT_FOUND, "none");
  FAILS(zt_tensor_get(source, 10, &info, &error), ZT_ERROR_NOT_FOUND, "10");
}

/* ctest names a driver that is not there. */
static void read_without_device(const zt_source* source) {
  zt_bytes trouble = {NULL, 0, NULL};
  WORKS(zt_device_trouble(&trouble, &error));
  const bool has_driver = trouble.length == 0;
  zt_bytes_free(&trouble);
  WORKS(zt_device_release_buffers(&error));
  if (has_driver) return;
  zt_device_read read;
  memset(&read, 0, sizeof read);
  read.tensor = find(source, "weights");
  read.length = 24;
  zt_device_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  FAILS(zt_read_to_device(source, &read, 1, &options, &error), ZT_ERROR_UNSUPPORTED, "driver");
  CHECK(strcmp(error.rule, "device.driver") == 0);
  FAILS(zt_read_to_device(source, NULL, 1, NULL, &error), ZT_ERROR_USAGE, "reads");
}

static int read_at_of_memory(void* context, uint64_t offset, void* out, size_t count) {
  memcpy(out, (const char*)context + offset, count);
  return 0;
}

static int read_at_that_fails(void* context, uint64_t offset, void* out, size_t count) {
  (void)context;
  (void)offset;
  (void)out;
  (void)count;
  return EPERM;
}

static void count_release(void* context) { ++*(int*)context; }
static int releases_of_store = 0;
static void count_release_of_store(void* context) {
  (void)context;
  ++releases_of_store;
}

static void read_elsewhere(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) {
    ++failures;
    return;
  }
  fseek(file, 0, SEEK_END);
  const size_t length = (size_t)ftell(file);
  rewind(file);
  char* const block = (char*)malloc(length + 64); /* Windows has no aligned_alloc */
  char* const data = block + (64 - (uintptr_t)block % 64) % 64;
  CHECK(fread(data, 1, length, file) == length);
  fclose(file);

  int released = 0;
  zt_source* source = NULL;
  WORKS(zt_open_memory(data, length, "m", count_release, &released, NULL, &source, &error));
  read_model(source);
  read_without_device(source);
  zt_bytes bytes = {NULL, 0, NULL};
  WORKS(zt_tensor_map(source, find(source, "weights"), ZT_VERIFY_ALWAYS, &bytes, &error));
  FAILS(zt_source_path(source, 0, &bytes, &error), ZT_ERROR_NOT_FOUND, "0");
  zt_source_close(source);
  CHECK(released == 0 && ((const float*)bytes.data)[5] == 6); /* the bytes keep the memory */
  zt_bytes_free(&bytes);
  CHECK(released == 1);
  FAILS(zt_open_memory(data, 10, "m", count_release, &released, NULL, &source, &error), ZT_ERROR_MALFORMED, "");
  CHECK(released == 1); /* a call that fails releases nothing */

  zt_store store;
  memset(&store, 0, sizeof store);
  store.size = sizeof store;
  store.context = data;
  store.length = length;
  store.read_at = read_at_of_memory;
  store.release = count_release_of_store;
  WORKS(zt_open_store(&store, "s", NULL, &source, &error));
  read_model(source);
  zt_source_close(source);
  CHECK(releases_of_store == 1);
  store.read_at = read_at_that_fails;
  FAILS(zt_open_store(&store, "s", NULL, &source, &error), ZT_ERROR_IO, "read_at");
  CHECK(error.os_error == EPERM && releases_of_store == 1);
  store.read_at = NULL;
  FAILS(zt_open_store(&store, "s", NULL, &source, &error), ZT_ERROR_USAGE, "read_at");
  CHECK(releases_of_store == 1);
  free(block);
}

struct sunk {
  char* data;
  size_t length;
  int released;
};

static int sink_write(void* context, const void* data, size_t length) {
  struct sunk* to = (struct sunk*)context;
  char* grown = (char*)realloc(to->data, to->length + length);
  if (grown == NULL) return ENOMEM;
  memcpy(grown + to->length, data, length);
  to->data = grown;
  to->length += length;
  return 0;
}

static int sink_that_fails(void* context, const void* data, size_t length) {
  (void)context;
  (void)data;
  (void)length;
  return ENOSPC;
}

static void release_sink(void* context) { ++((struct sunk*)context)->released; }

static void write_elsewhere(void) {
  struct sunk sunk = {NULL, 0, 0};
  zt_sink sink;
  memset(&sink, 0, sizeof sink);
  sink.size = sizeof sink;
  sink.context = &sunk;
  sink.write = sink_write;
  sink.release = release_sink;
  const uint64_t shape[1] = {100};
  static const uint8_t zeros[100] = {0};
  const zt_array array = array_of(ZT_UINT8, shape, 1, zeros);
  zt_writer* writer = NULL;
  WORKS(zt_writer_create_sink(&sink, NULL, &writer, &error));
  WORKS(zt_writer_add(writer, "z", &array, NULL, &error));
  WORKS(zt_writer_finalize(writer, &error));
  zt_writer_free(writer);
  CHECK(sunk.released == 1);
  zt_source* source = NULL;
  WORKS(zt_open_memory(sunk.data, sunk.length, NULL, NULL, NULL, NULL, &source, &error));
  CHECK(zt_source_tensors(source) == 1);
  zt_source_close(source);
  sink.write = sink_that_fails;
  WORKS(zt_writer_create_sink(&sink, NULL, &writer, &error));
  zt_code code = zt_writer_add(writer, "z", &array, NULL, &error);
  if (code == ZT_OK) code = zt_writer_finalize(writer, &error);
  CHECK(code == ZT_ERROR_IO && error.os_error == ENOSPC);
  zt_writer_free(writer);
  free(sunk.data);
}

static void count_line(void* context, zt_line_kind kind, zt_text line) {
  (void)kind;
  CHECK(line.length > 0);
  ++*(int*)context;
}

static bool refuse(void* context, uint64_t done, uint64_t total) {
  ++*(int*)context;
  return done > total; /* never */
}

static void count_finding(void* context, zt_text tensor, const zt_error* found) {
  CHECK(is_text(tensor, "weights") && found->code == ZT_ERROR_MISMATCH && found->message[0] != '\0');
  ++*(int*)context;
}

static void use_tools(const char* path, const char* folder) {
  char copy[512], other[512];
  snprintf(copy, sizeof copy, "%s/copy.zt", folder);
  snprintf(other, sizeof other, "%s/other.safetensors", folder);
  zt_convert_options convert;
  memset(&convert, 0, sizeof convert);
  convert.size = sizeof convert;
  int lines = 0, calls = 0;
  convert.lines.call = count_line;
  convert.lines.context = &lines;
  zt_convert_report converted;
  memset(&converted, 0, sizeof converted);
  converted.size = sizeof converted;
  WORKS(zt_convert(&path, 1, copy, &convert, &converted, &error));
  CHECK(converted.tensors == 10 && converted.bytes_out > 0);
  FAILS(zt_convert(&path, 1, copy, &convert, &converted, &error), ZT_ERROR_IO, "copy.zt");
  FAILS(zt_convert(&path, 1, other, NULL, NULL, &error), ZT_ERROR_UNSUPPORTED, "weights");
  zt_writer_options lossy;
  memset(&lossy, 0, sizeof lossy);
  lossy.size = sizeof lossy;
  lossy.lossy = true;
  convert.writer = &lossy;
  const char* dense[2] = {"weights", "packed"};
  convert.names = dense;
  convert.names_count = 2;
  WORKS(zt_convert(&path, 1, other, &convert, &converted, &error));
  CHECK(converted.tensors == 2 && lines > 0);
  convert.names_count = 0;
  FAILS(zt_convert(&path, 1, other, &convert, &converted, &error), ZT_ERROR_USAGE, "empty list");
  CHECK(converted.tensors == 2); /* as it was */
  convert.names_count = 2;
  lossy.encoding = ZT_ENCODING_ZSTD;
  FAILS(zt_convert(&path, 1, other, &convert, &converted, &error), ZT_ERROR_USAGE, "no effect");
  lossy.encoding = ZT_ENCODING_DEFAULT;
  convert.overwrite = true;
  convert.progress.call = refuse;
  convert.progress.context = &calls;
  (void)zt_convert(&path, 1, other, &convert, &converted, &error); /* it may be done before it can be stopped */
  CHECK(calls > 0);

  zt_source *a = NULL, *b = NULL;
  bool same = false;
  const zt_progress silent = {NULL, NULL};
  zt_bytes bytes = {NULL, 0, NULL};
  WORKS(zt_open(path, NULL, &a, &error));
  WORKS(zt_open(copy, NULL, &b, &error));
  WORKS(zt_diff(a, b, silent, &same, NULL, &error));
  CHECK(same);
  WORKS(zt_diff(a, b, silent, &same, &bytes, &error));
  CHECK(same && bytes.length > 0);
  zt_bytes_free(&bytes);
  WORKS(zt_content_id(a, false, silent, &bytes, &error));
  CHECK(bytes.length == 71 && memcmp(bytes.data, "sha256:", 7) == 0);
  zt_bytes_free(&bytes);
  zt_source_close(b);

  zt_verify_report verified;
  memset(&verified, 0, sizeof verified);
  verified.size = sizeof verified;
  WORKS(zt_verify(a, NULL, &verified, &error));
  CHECK(verified.checked == 10 && verified.findings == 0);
  const zt_progress stop = {refuse, &calls};
  FAILS(zt_content_id(a, false, stop, &bytes, &error), ZT_ERROR_CANCELLED, "callback");
  zt_source_close(a);

  const char* sources[1] = {other};
  zt_change_report changed;
  memset(&changed, 0, sizeof changed);
  changed.size = sizeof changed;
  FAILS(zt_append(copy, sources, 1, NULL, &changed, &error), ZT_ERROR_USAGE, "weights");
  zt_append_options append;
  memset(&append, 0, sizeof append);
  append.size = sizeof append;
  append.replace = true;
  WORKS(zt_append(copy, sources, 1, &append, &changed, &error));
  CHECK(changed.tensors == 2 && changed.replaced == 2 && changed.reclaimable > 0);
  const char* gone[1] = {"own"};
  WORKS(zt_remove(copy, gone, 1, NULL, &changed, &error));
  FAILS(zt_remove(copy, gone, 1, NULL, &changed, &error), ZT_ERROR_NOT_FOUND, "own");
  zt_attribute_edits edits;
  memset(&edits, 0, sizeof edits);
  edits.size = sizeof edits;
  edits.set.json = "{\"license\": \"MIT\"}";
  const char* unset[1] = {"step"};
  edits.unset = unset;
  edits.unset_count = 1;
  WORKS(zt_set_attributes(copy, &edits, &error));
  edits.set.json = "[1]";
  FAILS(zt_set_attributes(copy, &edits, &error), ZT_ERROR_USAGE, "map");
  zt_compact_report compacted;
  memset(&compacted, 0, sizeof compacted);
  compacted.size = sizeof compacted;
  WORKS(zt_compact(copy, NULL, &compacted, &error));
  CHECK(compacted.changed && compacted.size_after < compacted.size_before && compacted.tensors == 9);

  zt_writer* writer = NULL;
  WORKS(zt_writer_create(copy, ZT_MODE_APPEND, NULL, &writer, &error));
  WORKS(zt_writer_attributes_json(writer, &bytes, &error));
  CHECK(strstr((const char*)bytes.data, "MIT") != NULL && strstr((const char*)bytes.data, "step") == NULL);
  zt_bytes_free(&bytes);
  WORKS(zt_writer_remove(writer, "tied", &error));
  zt_writer_free(writer); /* not finalized: nothing changes */

  WORKS(zt_open(copy, NULL, &a, &error));
  CHECK(zt_source_tensors(a) == 9);
  WORKS(zt_source_path(a, 0, &bytes, &error));
  CHECK(strcmp((const char*)bytes.data + bytes.length - 8, "/copy.zt") == 0);
  zt_bytes_free(&bytes);
  zt_part_info part;
  memset(&part, 0, sizeof part);
  part.size = sizeof part;
  const size_t weights = find(a, "weights");
  WORKS(zt_part_get(a, weights, 0, &part, &error));
  zt_source_close(a);

  FILE* file = fopen(copy, "r+b");
  fseek(file, (long)part.offset, SEEK_SET);
  fputc(0x55, file);
  fclose(file);
  int found = 0;
  zt_verify_options verify;
  memset(&verify, 0, sizeof verify);
  verify.size = sizeof verify;
  verify.finding = count_finding;
  verify.context = &found;
  verify.names = dense;
  verify.names_count = 1;
  WORKS(zt_open(copy, NULL, &a, &error));
  WORKS(zt_verify(a, &verify, &verified, &error));
  CHECK(found == 1 && verified.findings == 1 && verified.checked == 0);
  float data[6];
  FAILS(zt_tensor_read(a, find(a, "weights"), data, sizeof data, ZT_VERIFY_DEFAULT, &error), ZT_ERROR_MISMATCH,
        "weights");
  WORKS(zt_tensor_read(a, find(a, "weights"), data, sizeof data, ZT_VERIFY_NEVER, &error));
  zt_source_close(a);

  zt_repair_report repaired;
  memset(&repaired, 0, sizeof repaired);
  repaired.size = sizeof repaired;
  WORKS(zt_repair(path, NULL, &repaired, &error));
  CHECK(repaired.state == ZT_REPAIR_HEALTHY && repaired.tensors == 10);
  WORKS(zt_scan_json(path, &bytes, &error));
  CHECK(strstr((const char*)bytes.data, "inert") != NULL);
  zt_bytes_free(&bytes);
}

/* Byte planes make float16 elements smaller. */
static void use_planes(const char* folder) {
  char path[512];
  static uint16_t weights[20000], again[20000];
  const uint64_t shape[1] = {20000};
  const int32_t encodings[2] = {ZT_ENCODING_PLANES, ZT_ENCODING_AUTO};
  snprintf(path, sizeof path, "%s/planes.zt", folder);
  for (size_t i = 0; i < 20000; ++i) weights[i] = (uint16_t)(0x2000 + i * i % 1021);
  for (size_t i = 0; i < 2; ++i) {
    zt_writer* writer = NULL;
    zt_source* source = NULL;
    zt_add_options add;
    memset(&add, 0, sizeof add);
    add.size = sizeof add;
    add.encoding = encodings[i];
    const zt_array array = array_of(ZT_FLOAT16, shape, 1, weights);
    WORKS(zt_writer_create(path, ZT_MODE_REPLACE, NULL, &writer, &error));
    WORKS(zt_writer_add(writer, "w", &array, &add, &error));
    WORKS(zt_writer_finalize(writer, &error));
    zt_writer_free(writer);
    WORKS(zt_open(path, NULL, &source, &error));
    zt_part_info part;
    memset(&part, 0, sizeof part);
    part.size = sizeof part;
    WORKS(zt_part_get(source, 0, 0, &part, &error));
    CHECK(is_text(part.encoding, "planes") && part.stored_bytes < sizeof weights * 9 / 10);
    WORKS(zt_tensor_read(source, 0, again, sizeof again, ZT_VERIFY_ALWAYS, &error));
    CHECK(memcmp(weights, again, sizeof weights) == 0);
    zt_source_close(source);
  }
}

/* What changed: written, listed, folded, applied; a writer with a base, and a base that is given. */
static void use_deltas(const char* folder) {
  char base[512], next[512], delta[512], moved[512];
  static float weights[5000], again[5000];
  const uint64_t shape[1] = {5000};
  zt_writer* writer = NULL;
  zt_source *from = NULL, *to = NULL, *source = NULL;
  snprintf(base, sizeof base, "%s/base.zt", folder);
  snprintf(next, sizeof next, "%s/next.zt", folder);
  snprintf(delta, sizeof delta, "%s/delta.zt", folder);
  snprintf(moved, sizeof moved, "%s/moved.zt", folder);
  const zt_array array = array_of(ZT_FLOAT32, shape, 1, weights);
  for (int step = 0; step < 2; ++step) {
    for (size_t i = 0; i < 5000; i += 1) weights[i] = (float)i + (step == 1 && i % 100 == 7 ? 1 : 0);
    WORKS(zt_writer_create(step == 0 ? base : next, ZT_MODE_REPLACE, NULL, &writer, &error));
    WORKS(zt_writer_add(writer, "w", &array, NULL, &error));
    WORKS(zt_writer_finalize(writer, &error));
    zt_writer_free(writer);
  }
  WORKS(zt_open(base, NULL, &from, &error));
  WORKS(zt_open(next, NULL, &to, &error));
  zt_delta_report report;
  memset(&report, 0, sizeof report);
  report.size = sizeof report;
  WORKS(zt_write_delta(from, to, delta, NULL, &report, &error));
  CHECK(report.tensors == 1 && report.deltas == 1 && report.same == 0 && report.bytes_out < 2000);
  FAILS(zt_write_delta(from, to, delta, NULL, NULL, &error), ZT_ERROR_IO, "");
  WORKS(zt_open(delta, NULL, &source, &error));
  WORKS(zt_tensor_read(source, 0, again, sizeof again, ZT_VERIFY_ALWAYS, &error));
  CHECK(memcmp(weights, again, sizeof weights) == 0);
  size_t pieces = 0;
  WORKS(zt_tensor_change_pieces(source, 0, &pieces, &error));
  CHECK(pieces == 1);
  zt_changes changes;
  memset(&changes, 0, sizeof changes);
  changes.size = sizeof changes;
  WORKS(zt_tensor_changes(source, 0, 0, &changes, &error));
  CHECK(changes.first == 0 && changes.count == 5000 && !changes.is_whole);
  CHECK(changes.indices.length == 200 && ((const uint32_t*)changes.indices.data)[1] == 107);
  CHECK(changes.elements.length == 200 && ((const float*)changes.elements.data)[1] == 108);
  zt_bytes_free(&changes.indices);
  zt_bytes_free(&changes.elements);
  FAILS(zt_tensor_changes(source, 0, 1, &changes, &error), ZT_ERROR_USAGE, "piece");
  FAILS(zt_tensor_change_pieces(to, 0, &pieces, &error), ZT_ERROR_USAGE, "whole");
  zt_source_close(source);
  zt_writer_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.base = from;
  zt_add_options add;
  memset(&add, 0, sizeof add);
  add.size = sizeof add;
  add.delta = true;
  WORKS(zt_writer_create(moved, ZT_MODE_REPLACE, &options, &writer, &error));
  WORKS(zt_writer_add(writer, "w", &array, &add, &error));
  WORKS(zt_writer_finalize(writer, &error));
  CHECK(zt_writer_bytes_written(writer) < 2000);
  zt_writer_free(writer);
  const char* one[1] = {delta};
  zt_delta_options folding;
  memset(&folding, 0, sizeof folding);
  folding.size = sizeof folding;
  folding.overwrite = folding.patch = true;
  folding.hint = "elsewhere.zt";
  WORKS(zt_fold_deltas(one, 1, moved, &folding, NULL, &error));
  folding.hint = "a/b.zt";
  FAILS(zt_fold_deltas(one, 1, moved, &folding, NULL, &error), ZT_ERROR_USAGE, "path");
  WORKS(zt_open(moved, NULL, &source, &error));
  FAILS(zt_tensor_read(source, 0, again, sizeof again, ZT_VERIFY_DEFAULT, &error), ZT_ERROR_NOT_FOUND, "");
  zt_source_close(source);
  zt_open_options opening;
  const zt_source* bases[1] = {from};
  memset(&opening, 0, sizeof opening);
  opening.size = sizeof opening;
  opening.bases = bases;
  opening.bases_count = 1;
  WORKS(zt_open(moved, &opening, &source, &error));
  zt_source_close(from);
  WORKS(zt_tensor_read(source, 0, again, sizeof again, ZT_VERIFY_DEFAULT, &error));
  CHECK(memcmp(weights, again, sizeof weights) == 0);
  zt_source_close(source);
  zt_source_close(to);
  zt_apply_report applied;
  memset(&applied, 0, sizeof applied);
  applied.size = sizeof applied;
  WORKS(zt_apply_delta(base, delta, NULL, &applied, &error));
  CHECK(applied.tensors == 1 && applied.deltas == 1 && applied.bytes_out > applied.bytes_in);
  FAILS(zt_apply_delta(base, delta, NULL, &applied, &error), ZT_ERROR_MISMATCH, "");
}

static void make_mistakes(const char* path) {
  zt_source* source = NULL;
  FAILS(zt_open(NULL, NULL, &source, &error), ZT_ERROR_USAGE, "path is NULL");
  FAILS(zt_open(path, NULL, NULL, &error), ZT_ERROR_USAGE, "out is NULL");
  FAILS(zt_open("/nowhere/at/all.zt", NULL, &source, &error), ZT_ERROR_IO, "nowhere");
  CHECK(error.os_error == ENOENT && source == NULL);
  CHECK(zt_open("/nowhere/at/all.zt", NULL, &source, NULL) == ZT_ERROR_IO); /* without details */
  zt_open_options options;
  memset(&options, 0, sizeof options);
  FAILS(zt_open(path, &options, &source, &error), ZT_ERROR_USAGE, "sizeof(zt_open_options)");
  options.size = sizeof options;
  options.backend = 99;
  FAILS(zt_open(path, &options, &source, &error), ZT_ERROR_USAGE, "99");

  /* A newer program: fields that are not set do not matter, others are refused. */
  struct {
    zt_open_options known;
    uint64_t later;
  } newer;
  memset(&newer, 0, sizeof newer);
  newer.known.size = sizeof newer;
  WORKS(zt_open(path, &newer.known, &source, &error));
  zt_source_close(source);
  newer.later = 1;
  FAILS(zt_open(path, &newer.known, &source, &error), ZT_ERROR_UNSUPPORTED, "older");

  options.backend = ZT_BACKEND_READ;
  options.threads = 1025;
  FAILS(zt_open(path, &options, &source, &error), ZT_ERROR_USAGE, "1024");
  options.threads = 2;
  WORKS(zt_open(path, &options, &source, &error));
  zt_tensor_info info;
  for (size_t size = 0; size < 40; size += 13) { /* never a size of this struct */
    info.size = size;
    FAILS(zt_tensor_get(source, 0, &info, &error), ZT_ERROR_USAGE, "sizeof(zt_tensor_info)");
  }
  info.size = SIZE_MAX;
  FAILS(zt_tensor_get(source, 0, &info, &error), ZT_ERROR_USAGE, "sizeof(zt_tensor_info)");
  struct {
    zt_tensor_info known;
    uint64_t later;
  } newer_info;
  newer_info.known.size = sizeof newer_info;
  newer_info.later = 1;
  WORKS(zt_tensor_get(source, 0, &newer_info.known, &error));
  CHECK(newer_info.known.size == sizeof newer_info && newer_info.later == 0 && newer_info.known.name.length > 0);
  zt_bytes bytes = {NULL, 0, NULL};
  FAILS(zt_tensor_map(source, 0, ZT_VERIFY_DEFAULT, &bytes, &error), ZT_ERROR_UNSUPPORTED, "");
  FAILS(zt_tensor_map(source, 0, ZT_VERIFY_DEFAULT, NULL, &error), ZT_ERROR_USAGE, "out is NULL");
  FAILS(zt_tensor_map(NULL, 0, ZT_VERIFY_DEFAULT, &bytes, &error), ZT_ERROR_USAGE, "source is NULL");
  zt_error short_error;
  memset(&short_error, 0x55, sizeof short_error);
  short_error.size = offsetof(zt_error, message) + 4;
  CHECK(zt_tensor_map(source, 9999, ZT_VERIFY_DEFAULT, &bytes, &short_error) == ZT_ERROR_NOT_FOUND);
  CHECK(short_error.code == ZT_ERROR_NOT_FOUND && short_error.message[4] == 0x55);
  zt_source_close(source);
  zt_source_close(NULL);
  zt_writer_free(NULL);
  zt_stream_free(NULL);
  zt_bytes_free(NULL);
  CHECK(zt_source_tensors(NULL) == 0 && zt_source_format(NULL).length == 0 && zt_stream_rows(NULL) == 0);

  zt_writer* writer = NULL;
  zt_writer_options both;
  memset(&both, 0, sizeof both);
  both.size = sizeof both;
  both.canonical = both.not_canonical = true;
  FAILS(zt_writer_create(path, ZT_MODE_REPLACE, &both, &writer, &error), ZT_ERROR_USAGE, "canonical");
  FAILS(zt_writer_create(path, ZT_MODE_CREATE, NULL, &writer, &error), ZT_ERROR_IO, "");
  CHECK(error.os_error == EEXIST);
  char missing[600];
  memset(missing, 'n', sizeof missing);
  missing[599] = '\0';
  zt_source* none = NULL;
  FAILS(zt_open(missing, NULL, &none, &error), ZT_ERROR_IO, "nnn");
  CHECK(strcmp(error.message + strlen(error.message) - 3, "...") == 0);
  const uint64_t shape[1] = {4};
  zt_array array = array_of(0, shape, 1, path);
  char fresh[600];
  snprintf(fresh, sizeof fresh, "%s.new", path);
  WORKS(zt_writer_create(fresh, ZT_MODE_REPLACE, NULL, &writer, &error));
  FAILS(zt_writer_add(writer, "a", &array, NULL, &error), ZT_ERROR_USAGE, "dtype");
  array.dtype = ZT_UINT8;
  array.data = NULL;
  FAILS(zt_writer_add(writer, "a", &array, NULL, &error), ZT_ERROR_USAGE, "NULL");
  array.rank = (size_t)1 << 30;
  FAILS(zt_writer_add(writer, "a", &array, NULL, &error), ZT_ERROR_USAGE, "rank");
  zt_add_options add;
  memset(&add, 0, sizeof add);
  add.size = sizeof add;
  add.attributes.json = "{\"a\": ";
  FAILS(zt_writer_add(writer, "a", &array, &add, &error), ZT_ERROR_USAGE, "");
  add.attributes.json = NULL;
  add.attributes.cbor = "\xa2\x61\x61\x01\x61\x61\x02"; /* {"a": 1, "a": 2} */
  add.attributes.cbor_length = 7;
  array.rank = 1;
  array.data = path;
  FAILS(zt_writer_add(writer, "a", &array, &add, &error), ZT_ERROR_USAGE, "twice");
  zt_writer_free(writer);
  CHECK(fopen(fresh, "rb") == NULL);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  char path[512];
  snprintf(path, sizeof path, "%s/model.zt", argv[1]);
  CHECK(strcmp(zt_version(), ZT_EXPECTED_VERSION) == 0);
  CHECK(strcmp(zt_code_name(ZT_OK), "ok") == 0 && strcmp(zt_code_name(ZT_ERROR_IO), "io") == 0);
  CHECK(strcmp(zt_code_name(99), "unknown") == 0);
  CHECK(zt_dtype_find("bfloat16") == ZT_BFLOAT16 && zt_dtype_find("none") == 0 && zt_dtype_find(NULL) == 0);
  CHECK(strcmp(zt_dtype_name(ZT_FLOAT4_E2M1FN), "float4_e2m1fn") == 0 && zt_dtype_name(0)[0] == '\0');
  CHECK(zt_dtype_bits(ZT_FLOAT4_E2M1FN) == 4 && zt_dtype_bits(22) == 0);
  CHECK(zt_dtype_bytes(ZT_FLOAT4_E2M1FN, 3) == 2 && zt_dtype_bytes(ZT_FLOAT64, UINT64_MAX) == UINT64_MAX);
  write_model(path);
  zt_source* source = NULL;
  WORKS(zt_open(path, NULL, &source, &error));
  read_model(source);
  zt_bytes bytes = {NULL, 0, NULL}, whole = {NULL, 0, NULL};
  WORKS(zt_tensor_map(source, find(source, "weights"), ZT_VERIFY_DEFAULT, &bytes, &error));
  WORKS(zt_source_map_file(source, 0, &whole, &error));
  WORKS(zt_part_release(source, find(source, "weights"), 0, &error));
  zt_source_close(source);
  CHECK(bytes.length == 24 && ((const float*)bytes.data)[3] == 4 && (uintptr_t)bytes.data % 64 == 0);
  CHECK(memcmp(whole.data, "ZTEN1000", 8) == 0);
  zt_bytes_free(&bytes);
  zt_bytes_free(&whole);
  const char* one[1] = {path};
  WORKS(zt_open_many(one, 1, NULL, &source, &error));
  CHECK(zt_source_tensors(source) == 10);
  zt_source_close(source);
  FAILS(zt_open_many(one, 0, NULL, &source, &error), ZT_ERROR_USAGE, "");
  read_elsewhere(path);
  write_elsewhere();
  use_tools(path, argv[1]);
  use_planes(argv[1]);
  use_deltas(argv[1]);
  make_mistakes(path);
  if (failures != 0) printf("%d checks failed\n", failures);
  return failures == 0 ? 0 : 1;
}
