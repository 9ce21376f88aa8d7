#ifndef ZT_ZTENSOR_C_H
#define ZT_ZTENSOR_C_H

/* zTensor for programs in C11, and for every language that can call C.
 *
 * Results. A function that can fail returns a zt_code and takes a zt_error last, which may be NULL. Only if it returns
 * ZT_OK does it set its outputs; buffers that it fills may hold anything after a failure. A call that works leaves the
 * zt_error as it was. No function throws, aborts or keeps an error anywhere else. A NULL where a pointer is needed is
 * ZT_ERROR_USAGE.
 *
 * Structs. Options, and structs that are filled in, begin with their size in bytes: `zt_error error = {sizeof error};`.
 * Another number there is ZT_ERROR_USAGE. A zt_error may be shorter: no more than its size is written, and with 0 nothing.
 * A field that is 0 has its default.
 * Later versions only add fields at the end of these structs, so a program that was compiled with an older header keeps
 * working. Structs without a size, such as zt_progress and zt_attributes, never change.
 *
 * Threads. Any number of threads may use one zt_source, and zt_bytes taken from it. A zt_writer, and the zt_stream of
 * it, belong to one thread at a time. Callbacks are called by the thread that called the library, unless they say
 * otherwise.
 *
 * Memory. What a function gives through a `zt_source**`, `zt_writer**`, `zt_stream**` or `zt_bytes*` belongs to the
 * caller, who ends it with the function named beside it. A zt_text is borrowed. A `release` callback is called once, by
 * any thread, when the library needs its context no more; if the call that takes it fails, it is never called, and the
 * context stays the caller's. Paths and names end with a NUL. Names are UTF-8; paths are bytes, also in messages.
 * Elements are row-major and little-endian. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztensor/macros.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- results ---------------------------------------------------------------------------------------------------- */

typedef int32_t zt_code;
enum {
  ZT_OK = 0,
  ZT_ERROR_MALFORMED = 1,   /* the file contradicts its format */
  ZT_ERROR_MISMATCH = 2,    /* a digest does not match its bytes */
  ZT_ERROR_UNSUPPORTED = 3, /* legal, but not known to this build */
  ZT_ERROR_LIMIT = 4,       /* over a bound of zt_limits */
  ZT_ERROR_NOT_FOUND = 5,   /* no tensor, part or file of that name or number */
  ZT_ERROR_USAGE = 6,       /* the call itself is wrong */
  ZT_ERROR_IO = 7,          /* the operating system refused: see os_error */
  ZT_ERROR_INTERNAL = 8,    /* a bug of this library */
  ZT_ERROR_REFUSED = 9,     /* policy: only the user can decide to trust the file */
  ZT_ERROR_CANCELLED = 10,  /* a progress callback asked to stop */
  ZT_ERROR_NO_MEMORY = 11
};

#define ZT_MESSAGE_BYTES 512

/* Why a call failed. */
typedef struct zt_error {
  size_t size; /* sizeof(zt_error), set by the caller */
  zt_code code;
  int32_t os_error;               /* errno, or 0 */
  const char* rule;               /* the rule of spec/rules.md that the file breaks, or ""; lives for ever */
  char message[ZT_MESSAGE_BYTES]; /* ends with a NUL; a longer message ends with "..." */
} zt_error;

/* Text that someone else owns: not necessarily followed by a NUL. `data` is never NULL. */
typedef struct zt_text {
  const char* data;
  size_t length; /* bytes */
} zt_text;

/* Bytes that the caller holds, until zt_bytes_free(). They lie in a mapping of a file, which stays open, or in memory.
 * Texts among them are followed by a NUL that `length` does not count. */
typedef struct zt_bytes {
  const void* data;
  size_t length;
  void* owner;
} zt_bytes;

/* Gives the bytes up, and clears the struct. Accepts NULL, and a struct that is all zeros. */
ZT_API void zt_bytes_free(zt_bytes* bytes);

ZT_API const char* zt_version(void);           /* of the library: "0.1.0" */
ZT_API const char* zt_code_name(zt_code code); /* "ok", "malformed", ...; "unknown" for other numbers */

/* --- options that several calls share --------------------------------------------------------------------------- */

/* Called at most ten times a second, and by most calls once at the end, with bytes done and bytes to do. If it returns
 * false, the work stops with ZT_ERROR_CANCELLED, unless all of it is done by then. */
typedef struct zt_progress {
  bool (*call)(void* context, uint64_t done, uint64_t total); /* NULL: none */
  void* context;
} zt_progress;

/* What a tool has to say beside its result, line by line, after the work is done. */
typedef int32_t zt_line_kind;
enum {
  ZT_LINE_NOTE = 1,    /* what a user should know, but is no error */
  ZT_LINE_SKIPPED = 2, /* "name: cause", of a tensor that cannot be read and was left out */
  ZT_LINE_LOSS = 3     /* what the format could not hold and was left out */
};
typedef struct zt_lines {
  void (*call)(void* context, zt_line_kind kind, zt_text line); /* NULL: they are dropped */
  void* context;
} zt_lines;

/* How much of each a file may have; more is ZT_ERROR_LIMIT, of the file or of the tensor that has more. 0: the default of
 * zt::Limits. */
typedef struct zt_limits {
  uint64_t index_bytes;
  uint64_t decoded_bytes; /* of one part */
  uint32_t rank;
  uint32_t parts; /* of one tensor */
  uint32_t depth;
} zt_limits;

/* Which digests a read checks. */
typedef int32_t zt_verify_mode;
enum {
  ZT_VERIFY_DEFAULT = 0,  /* of an open: standard; of a read: that of the open */
  ZT_VERIFY_STANDARD = 1, /* crc32c and xxh3 of whole parts, in the pass that reads them */
  ZT_VERIFY_ALWAYS = 2,   /* also sha256; before a view or a slice the whole part, once */
  ZT_VERIFY_NEVER = 3
};

/* Attributes: a map with text keys, as JSON or as one CBOR item. At most one of the two is given, and no key twice. */
typedef struct zt_attributes {
  const char* json; /* ends with a NUL; NULL: none */
  const void* cbor; /* NULL: none */
  size_t cbor_length;
} zt_attributes;

/* --- dtypes ----------------------------------------------------------------------------------------------------- */

typedef int32_t zt_dtype;
enum {
  ZT_FLOAT64 = 1,
  ZT_FLOAT32 = 2,
  ZT_FLOAT16 = 3,
  ZT_BFLOAT16 = 4,
  ZT_INT64 = 5,
  ZT_INT32 = 6,
  ZT_INT16 = 7,
  ZT_INT8 = 8,
  ZT_UINT64 = 9,
  ZT_UINT32 = 10,
  ZT_UINT16 = 11,
  ZT_UINT8 = 12,
  ZT_BOOL = 13, /* bytes that are 0 or 1 */
  ZT_FLOAT8_E4M3FN = 14,
  ZT_FLOAT8_E5M2 = 15,
  ZT_FLOAT8_E4M3FNUZ = 16,
  ZT_FLOAT8_E5M2FNUZ = 17,
  ZT_FLOAT8_E8M0FNU = 18,
  ZT_FLOAT4_E2M1FN = 19, /* two in a byte, the first in the low half */
  ZT_COMPLEX64 = 20,
  ZT_COMPLEX128 = 21
};

ZT_API const char* zt_dtype_name(zt_dtype dtype); /* "float32", ...; "" for a number that is no dtype */
ZT_API zt_dtype zt_dtype_find(const char* name);  /* 0 for a name that is none */
ZT_API uint32_t zt_dtype_bits(zt_dtype dtype);    /* of one element; 0 for a number that is no dtype */
/* Bytes of so many elements. UINT64_MAX where there is no such number. */
ZT_API uint64_t zt_dtype_bytes(zt_dtype dtype, uint64_t elements);

/* --- opening a file --------------------------------------------------------------------------------------------- */

/* An open file of tensors, of any format. Ends with zt_source_close(). */
typedef struct zt_source zt_source;

typedef int32_t zt_backend;
enum {
  ZT_BACKEND_AUTO = 0, /* maps a file where it can be mapped, and reads one behind a network or in FUSE */
  ZT_BACKEND_MMAP = 1, /* fails where a file cannot be mapped */
  ZT_BACKEND_READ = 2  /* maps nothing */
};

typedef struct zt_open_options {
  size_t size;
  zt_backend backend;
  zt_verify_mode verify; /* of reads that do not say otherwise */
  uint32_t threads;      /* at most 1024. 0: ZTENSOR_THREADS if it is set, else the cores that this process may use */
  zt_limits limits;
  /* Of tensors that are stored as deltas. NULL: the files that the file names beside itself. */
  const zt_source* const* bases;
  size_t bases_count;
} zt_open_options;

/* Opens a file, a folder of a model, or an index of shards. Reads only the index: linear in its size. */
ZT_API zt_code zt_open(const char* path, const zt_open_options* options, zt_source** out, zt_error* error);
/* Several files of one format as one source. */
ZT_API zt_code zt_open_many(const char* const* paths, size_t count, const zt_open_options* options, zt_source** out,
                            zt_error* error);
/* A file in memory, which is borrowed until `release` is called with `context` (release may be NULL): after the source and
 * all bytes from it have ended. `name` stands for the file in messages; NULL: none. */
ZT_API zt_code zt_open_memory(const void* data, size_t length, const char* name, void (*release)(void* context),
                              void* context, const zt_open_options* options, zt_source** out, zt_error* error);

/* A caller's own store of immutable bytes. Any thread may call read_at, several at once. */
typedef struct zt_store {
  size_t size;
  void* context;
  uint64_t length;
  /* Fills `out` with `count` bytes from `offset`. Returns 0, or an errno. */
  int (*read_at)(void* context, uint64_t offset, void* out, size_t count);
  void (*release)(void* context); /* after the source has ended; NULL: none */
  uint64_t request_cost;          /* what one more request costs, in bytes; 0: 64 KiB */
} zt_store;
ZT_API zt_code zt_open_store(const zt_store* store, const char* name, const zt_open_options* options, zt_source** out,
                             zt_error* error);

/* Accepts NULL. Bytes that were taken from the source stay valid. */
ZT_API void zt_source_close(zt_source* source);

/* A text of a source lives until the source is closed. For a source that is NULL, these give 0 and empty texts. */
ZT_API size_t zt_source_tensors(const zt_source* source);       /* unreadable ones included */
ZT_API zt_text zt_source_format(const zt_source* source);       /* "zt-1.2", "safetensors", ... */
ZT_API uint64_t zt_source_stored_size(const zt_source* source); /* bytes of the file, without its shards */
ZT_API size_t zt_source_notes(const zt_source* source);         /* what a user should know, but is no error: how many */
ZT_API zt_text zt_source_note(const zt_source* source, size_t number);
ZT_API size_t zt_source_files(const zt_source* source); /* 1, and its shards */
/* The path of a file: 0 is the source's own. Not found for a source in memory. */
ZT_API zt_code zt_source_path(const zt_source* source, size_t file, zt_bytes* out, zt_error* error);
/* Borrows all bytes of a file. Unsupported where it cannot be mapped. */
ZT_API zt_code zt_source_map_file(const zt_source* source, size_t file, zt_bytes* out, zt_error* error);
/* The attributes of the file, "null" or no bytes where there are none. */
ZT_API zt_code zt_source_attributes_json(const zt_source* source, zt_bytes* out, zt_error* error);
ZT_API zt_code zt_source_attributes_cbor(const zt_source* source, zt_bytes* out, zt_error* error);
/* What is in the source, as the document that `ztensor info --json` prints. */
ZT_API zt_code zt_source_info_json(const zt_source* source, zt_bytes* out, zt_error* error);

/* --- tensors and their parts ------------------------------------------------------------------------------------ */

/* A tensor is a number from 0 to zt_source_tensors() - 1, in the order of the file. */
ZT_API zt_code zt_tensor_find(const zt_source* source, const char* name, size_t* tensor, zt_error* error);

/* The texts and the shape live until the source is closed. */
typedef struct zt_tensor_info {
  size_t size;
  zt_text name;
  zt_text layout;        /* "dense", "sparse_csr", "sparse_coo", "quantized_group", or any other */
  const uint64_t* shape; /* outermost first */
  size_t rank;
  uint64_t elements; /* the product of the shape */
  size_t parts;
  uint64_t bytes; /* decoded, of all parts; UINT64_MAX where the index does not state it */
  zt_dtype dtype; /* of a dense or sparse tensor; 0 for other layouts and for a tensor that cannot be read */
  bool readable;  /* zt_tensor_check() says why it is not */
} zt_tensor_info;
ZT_API zt_code zt_tensor_get(const zt_source* source, size_t tensor, zt_tensor_info* out, zt_error* error);
/* Why a tensor cannot be read; ZT_OK for one that can. */
ZT_API zt_code zt_tensor_check(const zt_source* source, size_t tensor, zt_error* error);
/* The attributes of a tensor, as for a source. The JSON leaves out what the library notes there. */
ZT_API zt_code zt_tensor_attributes_json(const zt_source* source, size_t tensor, zt_bytes* out, zt_error* error);
ZT_API zt_code zt_tensor_attributes_cbor(const zt_source* source, size_t tensor, zt_bytes* out, zt_error* error);

/* A dense tensor has one part, "data". */
ZT_API zt_code zt_part_find(const zt_source* source, size_t tensor, const char* role, size_t* part, zt_error* error);

typedef struct zt_part_info {
  size_t size;
  zt_text role;     /* "data", "values", "indices", "indptr", ... */
  zt_text storage;  /* the file's own word for the stored type: "f32", "BF16" */
  zt_text encoding; /* "raw", "zstd", ... */
  zt_text digest;   /* "crc32c:0x1234ABCD", or "" */
  uint64_t offset;  /* of the stored bytes in their file */
  uint64_t stored_bytes;
  uint64_t bytes; /* decoded; UINT64_MAX where the index does not state it: zt_part_measure() */
  uint32_t file;  /* the number of the file; 0xFFFF: no file has the bytes */
  zt_dtype dtype;
  /* The bytes are stored as they are read. zt_part_map() may still find that the file is not in memory. */
  bool mappable;
} zt_part_info;
ZT_API zt_code zt_part_get(const zt_source* source, size_t tensor, size_t part, zt_part_info* out, zt_error* error);

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* Decodes a part, or the data of a dense tensor, into `out`, which holds exactly its bytes. */
ZT_API zt_code zt_tensor_read(const zt_source* source, size_t tensor, void* out, size_t length, zt_verify_mode verify,
                              zt_error* error);
ZT_API zt_code zt_part_read(const zt_source* source, size_t tensor, size_t part, void* out, size_t length,
                            zt_verify_mode verify, zt_error* error);
/* Decoded bytes of any part. Where the index does not state them, decodes the part to count them. */
ZT_API zt_code zt_part_measure(const zt_source* source, size_t tensor, size_t part, uint64_t* out, zt_error* error);
/* Borrows the bytes of a part, or the data of a dense tensor, without copying. Unsupported where they are encoded or the
 * file is not mapped. If someone cuts the file, touching the bytes is SIGBUS. The bytes of a .zt begin at a multiple of
 * 64; in other formats, check the address before you read them as elements. */
ZT_API zt_code zt_tensor_map(const zt_source* source, size_t tensor, zt_verify_mode verify, zt_bytes* out,
                             zt_error* error);
ZT_API zt_code zt_part_map(const zt_source* source, size_t tensor, size_t part, zt_verify_mode verify, zt_bytes* out,
                           zt_error* error);
/* Says that the mapped pages of a part are not needed for now. They stay readable. */
ZT_API zt_code zt_part_release(const zt_source* source, size_t tensor, size_t part, zt_error* error);

/* Carries out several reads, on several threads. The error is that of the first failing read in the list. */
typedef struct zt_read {
  size_t tensor;
  size_t part;
  void* out; /* holds exactly the decoded bytes of the part */
  size_t length;
} zt_read;
ZT_API zt_code zt_read_many(const zt_source* source, const zt_read* reads, size_t count, zt_verify_mode verify,
                            zt_progress progress, zt_error* error);

/* What a slice takes along one axis. The axis stays in the result. */
typedef int32_t zt_axis_kind;
enum {
  ZT_AXIS_ALL = 0,   /* every position */
  ZT_AXIS_RANGE = 1, /* `count` positions: start, start + step, ...; the step may be negative or 0 */
  ZT_AXIS_LIST = 2   /* the `count` positions of `list` */
};
typedef struct zt_axis {
  zt_axis_kind kind;
  uint64_t start;
  uint64_t count;
  int64_t step;
  const uint64_t* list;
} zt_axis;
/* Copies the selected elements of a dense tensor, row-major, into `out`, which holds exactly these. Axes from `count` on
 * are taken whole. Reads only what it needs. */
ZT_API zt_code zt_tensor_read_slice(const zt_source* source, size_t tensor, const zt_axis* axes, size_t count,
                                    void* out, size_t length, zt_verify_mode verify, zt_progress progress,
                                    zt_error* error);
/* Rows first to last - 1 of axis 0. */
ZT_API zt_code zt_tensor_read_rows(const zt_source* source, size_t tensor, uint64_t first, uint64_t last, void* out,
                                   size_t length, zt_error* error);
/* The checked indices of a sparse tensor, widened to 64 bits: `indices` has nnz entries (CSR), or rank * nnz, all of axis
 * 0 first (COO); `indptr` has rows + 1 entries, and is NULL for COO. The counts are those of the arrays. nnz
 * is the bytes of part "values" (zt_part_measure()), divided by those of an element. */
ZT_API zt_code zt_tensor_read_indices(const zt_source* source, size_t tensor, uint64_t* indices, size_t indices_count,
                                      uint64_t* indptr, size_t indptr_count, zt_verify_mode verify, zt_error* error);
/* The values of a quantized tensor; `count` is its number of elements. */
ZT_API zt_code zt_tensor_dequantize(const zt_source* source, size_t tensor, float* out, size_t count,
                                    zt_verify_mode verify, zt_progress progress, zt_error* error);

/* --- devices ---------------------------------------------------------------------------------------------------- */

/* Why this process cannot read to CUDA devices; empty text if it can. Looks for the driver when it is first called. */
ZT_API zt_code zt_device_trouble(zt_bytes* out, zt_error* error);
/* Gives pinned buffers that no read uses back to the system. Else they are kept for the next read: at most 64 MiB. */
ZT_API zt_code zt_device_release_buffers(zt_error* error);

/* One read of several: the data of a dense tensor, or a slice of it. */
typedef struct zt_device_read {
  size_t tensor;
  const zt_axis* axes; /* of a slice; with axes_count 0: the whole tensor */
  size_t axes_count;
  uint64_t address; /* a CUdeviceptr: memory of exactly `length` bytes, those of the result */
  uint64_t length;
  void*
      stream; /* a CUstream, whose work may still use the memory: the first copy waits for it. NULL: the default one */
} zt_device_read;
typedef struct zt_device_options {
  size_t size;
  int32_t
      device; /* its number. The context of the calling thread is used, if it is of this device, else the primary one */
  uint32_t threads; /* 0: as the source was opened */
  zt_verify_mode verify;
  zt_progress progress;
} zt_device_options;
/* Reads into memory of a CUDA device: several threads read, decode and check pieces in pinned buffers, and copy from
 * there. All copies have ended when it returns. The error is that of the first failing read in the list; unsupported
 * "device.driver" without an NVIDIA driver; io for an error of the driver. */
ZT_API zt_code zt_read_to_device(const zt_source* source, const zt_device_read* reads, size_t count,
                                 const zt_device_options* options, zt_error* error);

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* Writes a new file, which appears at its target in zt_writer_finalize(), or grows one. Ends with zt_writer_free(). */
typedef struct zt_writer zt_writer;

typedef int32_t zt_write_mode;
enum {
  ZT_MODE_REPLACE = 0, /* the new file replaces a present one when it is complete */
  ZT_MODE_CREATE = 1,  /* EEXIST where there is one */
  ZT_MODE_APPEND = 2   /* grows the present file; makes one where there is none */
};

typedef int32_t zt_encoding;
enum {
  ZT_ENCODING_DEFAULT =
      0, /* of a writer: raw; of a tensor: that of the writer, or for a stored one that which it has */
  ZT_ENCODING_RAW = 1,
  ZT_ENCODING_ZSTD = 2,
  ZT_ENCODING_PLANES = 3, /* byte planes, for weights (spec/planes.md); formats 1.2 and 2 */
  ZT_ENCODING_AUTO = 4    /* for each part what is smallest by a sample: planes, zstd or raw; formats 1.2 and 2 */
};

typedef int32_t zt_checksum;
enum {
  ZT_CHECKSUM_DEFAULT = 0, /* of a writer: that of the format; of a tensor: that of the writer */
  ZT_CHECKSUM_NONE = 1,
  ZT_CHECKSUM_CRC32C = 2,
  ZT_CHECKSUM_SHA256 = 3,
  ZT_CHECKSUM_XXH3 = 4
};

typedef struct zt_writer_options {
  size_t size;
  const char* format; /* "1.0", "1.2", "2", "safetensors", "gguf", "npz"; NULL: the suffix of the target tells it */
  zt_encoding encoding;
  int32_t level; /* with ZT_ENCODING_ZSTD and ZT_ENCODING_PLANES: 1 to 22; 0: 3 */
  zt_checksum checksum;
  uint32_t threads;
  uint64_t alignment; /* of parts, a power of two; 0: that of the format */
  zt_attributes attributes;
  uint64_t max_shard_size; /* 0: one file */
  zt_limits limits;
  bool durable;   /* syncs new files and their folder, too */
  bool canonical; /* format 2: the same tensors give the same bytes. Where neither this nor the next is set, the
                         other options decide */
  bool not_canonical;
  bool lossy; /* zt_writer_add_stored() leaves out what the format cannot hold: zt_writer_lines() */
  /* Of tensors that are added with `delta`; NULL: none. zt_writer_create() reads all of it, for its id. The new file has
   * format 1.2 or 2, is not canonical, and names the base. */
  const zt_source* base;
} zt_writer_options;

ZT_API zt_code zt_writer_create(const char* path, zt_write_mode mode, const zt_writer_options* options, zt_writer** out,
                                zt_error* error);

/* Receives the bytes of a file in order, from one thread at a time, though not always the same. */
typedef struct zt_sink {
  size_t size;
  void* context;
  int (*write)(void* context, const void* data, size_t length); /* returns 0, or an errno */
  void (*release)(void* context);                               /* in zt_writer_free(); NULL: none */
} zt_sink;
ZT_API zt_code zt_writer_create_sink(const zt_sink* sink, const zt_writer_options* options, zt_writer** out,
                                     zt_error* error);

/* Elements in memory, borrowed for the call. */
typedef struct zt_array {
  size_t size;
  zt_dtype dtype;
  bool byte_swapped;     /* the elements are big-endian */
  const uint64_t* shape; /* outermost first; may be NULL if rank is 0 */
  size_t rank;
  const void* data;       /* the element at index 0, 0, ... */
  const int64_t* strides; /* bytes between neighbours, for each axis; NULL: row-major, no gaps */
} zt_array;

/* How one tensor is added. */
typedef struct zt_add_options {
  size_t size;
  zt_encoding encoding;
  int32_t level; /* as in zt_writer_options */
  zt_checksum checksum;
  bool replace; /* in a file that grows: takes the place of a tensor of this name, if there is one */
  bool delta;   /* zt_writer_add(): stores what changed since this tensor of the writer's base, where that is shorter */
  zt_attributes attributes;
} zt_add_options;

ZT_API zt_code zt_writer_add(zt_writer* writer, const char* name, const zt_array* array, const zt_add_options* options,
                             zt_error* error);
/* A sparse matrix in compressed rows. The parts have one dimension. `shape` has two entries. */
ZT_API zt_code zt_writer_add_csr(zt_writer* writer, const char* name, const uint64_t* shape, const zt_array* values,
                                 const zt_array* indices, const zt_array* indptr, const zt_add_options* options,
                                 zt_error* error);
/* A sparse tensor by coordinates: `indices` has shape (rank, nnz) or (rank * nnz). */
ZT_API zt_code zt_writer_add_coo(zt_writer* writer, const char* name, const uint64_t* shape, size_t rank,
                                 const zt_array* values, const zt_array* indices, const zt_add_options* options,
                                 zt_error* error);
/* A tensor of any layout. `roles` and `parts` have `count` entries, and all parts have the same field size. */
ZT_API zt_code zt_writer_add_object(zt_writer* writer, const char* name, const uint64_t* shape, size_t rank,
                                    const char* layout, const char* const* roles, const zt_array* parts, size_t count,
                                    const zt_add_options* options, zt_error* error);
/* A second name of a tensor; the bytes are stored once. */
ZT_API zt_code zt_writer_add_alias(zt_writer* writer, const char* name, const char* existing, zt_error* error);
/* A tensor of a source, with its layout and attributes. Its parts stay encoded as they are where no encoding is asked for.
 * Options may have `encoding`, `level` and `replace`, and nothing else. */
ZT_API zt_code zt_writer_add_stored(zt_writer* writer, const char* name, const zt_source* source, size_t tensor,
                                    const zt_add_options* options, zt_error* error);
/* A tensor of another file of format 2, whose bytes stay there. */
ZT_API zt_code zt_writer_add_reference(zt_writer* writer, const char* name, const zt_source* source, size_t tensor,
                                       zt_error* error);

/* A tensor that is written chunk by chunk. Ends with zt_stream_free(), before its writer ends. */
typedef struct zt_stream zt_stream;
#define ZT_UNKNOWN_ROWS UINT64_MAX /* as the first dimension: known at the end */
ZT_API zt_code zt_writer_stream(zt_writer* writer, const char* name, const uint64_t* shape, size_t rank, zt_dtype dtype,
                                const zt_add_options* options, zt_stream** out, zt_error* error);
/* Appends rows; the other dimensions are those of the tensor. A chunk that is refused changes nothing. */
ZT_API zt_code zt_stream_write(zt_stream* stream, const zt_array* chunk, zt_error* error);
ZT_API uint64_t zt_stream_rows(const zt_stream* stream); /* that were written */
/* Adds the tensor to the file. Usage, and nothing changes, while rows are missing. */
ZT_API zt_code zt_stream_finish(zt_stream* stream, zt_error* error);
/* Gives up the tensor unless it was finished. Accepts NULL. */
ZT_API void zt_stream_free(zt_stream* stream);

/* Change tensors that a growing file had before. */
ZT_API zt_code zt_writer_remove(zt_writer* writer, const char* name, zt_error* error);
ZT_API zt_code zt_writer_set_tensor_attributes(zt_writer* writer, const char* name, const zt_attributes* attributes,
                                               zt_error* error);

/* Replaces the attributes of the file. */
ZT_API zt_code zt_writer_set_attributes(zt_writer* writer, const zt_attributes* attributes, zt_error* error);
ZT_API zt_code zt_writer_attributes_json(const zt_writer* writer, zt_bytes* out, zt_error* error);
/* Whether a tensor has this name. */
ZT_API bool zt_writer_has(const zt_writer* writer, const char* name);
/* Called during long adds with the bytes of all adds since this call. An add that it stops ends all writing. */
ZT_API zt_code zt_writer_set_progress(zt_writer* writer, zt_progress progress, uint64_t total, zt_error* error);
ZT_API zt_text zt_writer_format(const zt_writer* writer);
/* Writes the index and publishes the file. Afterwards only zt_writer_free() and the three calls below are left. */
ZT_API zt_code zt_writer_finalize(zt_writer* writer, zt_error* error);
ZT_API uint64_t zt_writer_bytes_written(const zt_writer* writer);
ZT_API uint64_t zt_writer_reclaimable(const zt_writer* writer); /* what zt_compact() would give back */
/* What was left out, and notes on the published files. */
ZT_API void zt_writer_lines(const zt_writer* writer, zt_lines lines);
/* Ends the writer. If it was not finalized, the target stays as it was. Accepts NULL. */
ZT_API void zt_writer_free(zt_writer* writer);

/* --- whole files ------------------------------------------------------------------------------------------------ */

typedef struct zt_verify_options {
  size_t size;
  const char* const* names; /* of tensors; NULL: all */
  size_t names_count;
  bool shards;    /* also checks each shard as a whole */
  bool canonical; /* also checks for the canonical form of format 2 */
  zt_progress progress;
  /* Called for each thing that is wrong; `tensor` is "" for a shard. NULL: none. */
  void (*finding)(void* context, zt_text tensor, const zt_error* error);
  void* context;
} zt_verify_options;
typedef struct zt_verify_report {
  size_t size;
  uint64_t checked;    /* tensors whose digests and contents are right */
  uint64_t undigested; /* tensors whose contents are right, but some part has no digest that is known */
  uint64_t unreadable;
  uint64_t findings;
} zt_verify_report;
/* Checks digests and contents. ZT_OK even if there are findings: see the report. */
ZT_API zt_code zt_verify(const zt_source* source, const zt_verify_options* options, zt_verify_report* report,
                         zt_error* error);

typedef struct zt_convert_options {
  size_t size;
  const zt_writer_options* writer; /* NULL: defaults. Its encoding must be unset: see the next fields */
  const zt_open_options* open;     /* NULL: defaults */
  zt_encoding encoding; /* of every part; default: what the output can hold stays, except planes, which become raw */
  int32_t level;
  const char* from;           /* the format that the inputs must have; NULL: any */
  const char* const* include; /* globs over names */
  size_t include_count;
  const char* const* exclude;
  size_t exclude_count;
  const char* const* names; /* takes only these of the tensors that the globs leave; NULL: all */
  size_t names_count;
  bool with_config;      /* takes the small JSON files beside each input as attributes */
  bool skip_unreadable;  /* leaves out what cannot be read; otherwise that is an error */
  bool overwrite;        /* replaces an existing output; never an input */
  bool check_output;     /* reads the output back and compares it */
  bool delete_originals; /* deletes the inputs once the output is complete, synced, read back and compared */
  zt_progress progress;
  zt_lines lines;
} zt_convert_options;
typedef struct zt_convert_report {
  size_t size;
  uint64_t tensors;
  uint64_t bytes_in;
  uint64_t bytes_out;
} zt_convert_report;
/* Puts the tensors of all inputs, of any format, into one new file. */
ZT_API zt_code zt_convert(const char* const* inputs, size_t count, const char* output,
                          const zt_convert_options* options, zt_convert_report* report, zt_error* error);

typedef struct zt_append_options {
  size_t size;
  const zt_writer_options* writer;
  const zt_open_options* open;
  zt_encoding encoding; /* as in zt_convert_options */
  int32_t level;
  bool replace;
  bool skip_unreadable;
  zt_progress progress;
  zt_lines lines;
} zt_append_options;
typedef struct zt_change_report {
  size_t size;
  uint64_t tensors;  /* appended, or removed */
  uint64_t replaced; /* of the appended ones */
  uint64_t bytes_in;
  uint64_t bytes_out;   /* size of the target */
  uint64_t reclaimable; /* bytes that zt_compact() would give back */
} zt_change_report;
/* Puts all tensors of other files into a file, which grows in place or is made. */
ZT_API zt_code zt_append(const char* target, const char* const* sources, size_t count, const zt_append_options* options,
                         zt_change_report* report, zt_error* error);

typedef struct zt_remove_options {
  size_t size;
  const char* output; /* writes a compact copy there; NULL: changes the file */
  bool overwrite;
  bool durable;
  zt_limits limits;
  zt_progress progress;
  zt_lines lines;
} zt_remove_options;
ZT_API zt_code zt_remove(const char* path, const char* const* names, size_t count, const zt_remove_options* options,
                         zt_change_report* report, zt_error* error);

typedef struct zt_attribute_edits {
  size_t size;
  zt_attributes set;
  const char* const* unset; /* keys to remove */
  size_t unset_count;
  const char* tensor; /* whose attributes; NULL: those of the file */
  bool durable;
} zt_attribute_edits;
ZT_API zt_code zt_set_attributes(const char* path, const zt_attribute_edits* edits, zt_error* error);

typedef struct zt_compact_options {
  size_t size;
  bool durable;
  zt_limits limits;
  zt_progress progress;
  zt_lines lines;
} zt_compact_options;
typedef struct zt_compact_report {
  size_t size;
  uint64_t tensors;
  uint64_t size_before;
  uint64_t size_after;
  bool changed; /* false: there was nothing to give back */
} zt_compact_report;
/* Writes a file anew without the bytes that no tensor uses, and puts it in the place of the old one once it is compared. */
ZT_API zt_code zt_compact(const char* path, const zt_compact_options* options, zt_compact_report* report,
                          zt_error* error);

typedef struct zt_repair_options {
  size_t size;
  const char* output; /* writes the repaired file there; NULL: cuts the file */
  bool dry_run;
  bool overwrite;
  bool durable;
  zt_limits limits;
  zt_progress progress;
  zt_lines lines;
} zt_repair_options;
typedef int32_t zt_repair_state;
enum {
  ZT_REPAIR_HEALTHY = 0,
  ZT_REPAIR_UNFINISHED = 1, /* a killed append left unused bytes */
  ZT_REPAIR_TORN = 2        /* the end is damaged, and there is an earlier whole version */
};
typedef struct zt_repair_report {
  size_t size;
  uint64_t tensors; /* in the version that was found */
  uint64_t size_before;
  uint64_t size_after;
  zt_repair_state state;
} zt_repair_report;
ZT_API zt_code zt_repair(const char* path, const zt_repair_options* options, zt_repair_report* report, zt_error* error);

/* Compares two sources, bit for bit. `same` tells whether they hold the same; the JSON, which `out` may be NULL for, is
 * the document that `ztensor diff --json` prints. */
ZT_API zt_code zt_diff(const zt_source* a, const zt_source* b, zt_progress progress, bool* same, zt_bytes* out,
                       zt_error* error);
/* "sha256:" and 64 hex digits over names, shapes, dtypes, layouts, attributes and contents. */
ZT_API zt_code zt_content_id(const zt_source* source, bool trust_digests, zt_progress progress, zt_bytes* out,
                             zt_error* error);
/* What a file would run if Python loaded it, as the document that `ztensor scan --json` prints. Runs nothing. */
ZT_API zt_code zt_scan_json(const char* path, zt_bytes* out, zt_error* error);

/* --- what changed (spec/delta.md) --------------------------------------------------------------------------------- */

typedef struct zt_delta_options {
  size_t size;
  const zt_writer_options* writer; /* of the file to write: format 1.2 or 2, not canonical, without shards; no base */
  const zt_open_options* open;     /* of zt_fold_deltas(): how the files are opened */
  const char* hint; /* the name of the base beside the new file; NULL: the base's own name, if it is one file on disk */
  bool patch;       /* lists new elements, not differences: longer, but the changes can be read without the base */
  bool overwrite;
  zt_progress progress;
  zt_lines lines;
} zt_delta_options;
typedef struct zt_delta_report {
  size_t size;
  uint64_t tensors;
  uint64_t deltas; /* tensors that are stored as deltas */
  uint64_t same;   /* those of them that do not differ from the base at all */
  uint64_t bytes_in;
  uint64_t bytes_out;
} zt_delta_report;
/* Writes a file with the tensors of `next`, in which each dense tensor is stored as what changed since that of the same
 * name and dtype in `base`, where that is shorter. Reads all of `base` twice, for its id. Holds one stored tensor in
 * memory. ZT_ERROR_USAGE for a path of `base` or `next`, ZT_ERROR_IO for a file that exists. */
ZT_API zt_code zt_write_delta(const zt_source* base, const zt_source* next, const char* path,
                              const zt_delta_options* options, zt_delta_report* report, zt_error* error);
/* Writes one file that reads as the last of several files of deltas, each of which is over the one before it, and that is
 * over the base of the first one. */
ZT_API zt_code zt_fold_deltas(const char* const* deltas, size_t count, const char* path,
                              const zt_delta_options* options, zt_delta_report* report, zt_error* error);

typedef struct zt_apply_options {
  size_t size;
  bool verify; /* decodes all of the delta first; otherwise one piece of each tensor */
  bool durable;
  uint32_t threads;
  zt_limits limits;
  zt_progress progress;
  zt_lines lines;
} zt_apply_options;
typedef struct zt_apply_report {
  size_t size;
  uint64_t tensors; /* of the file */
  uint64_t deltas;  /* tensors that are now stored as deltas over what they were */
  uint64_t whole;   /* tensors that were added as they are */
  uint64_t removed;
  uint64_t bytes_in;  /* size of the file before */
  uint64_t bytes_out; /* and after */
} zt_apply_report;
/* Makes a file what a file of deltas over it stands for, by appending: former tensors stay in it, hidden, as bases.
 * ZT_ERROR_MISMATCH if `delta` was made over another file, ZT_ERROR_UNSUPPORTED for a format that does not grow. */
ZT_API zt_code zt_apply_delta(const char* path, const char* delta, const zt_apply_options* options,
                              zt_apply_report* report, zt_error* error);

/* What one piece of a tensor changed since its base. Free both bytes with zt_bytes_free(). */
typedef struct zt_changes {
  size_t size;
  uint64_t first;    /* the flat index of the first element of the piece */
  uint64_t count;    /* elements of the piece */
  bool is_whole;     /* `elements` are all elements of the piece, and there are no indices */
  zt_bytes indices;  /* uint32_t: of the changed elements, ascending, counted from `first` */
  zt_bytes elements; /* new elements, one for each index; of float4, bytes with two of them */
} zt_changes;
/* The number of pieces. ZT_ERROR_USAGE for a tensor that is not stored as a delta. */
ZT_API zt_code zt_tensor_change_pieces(const zt_source* source, size_t tensor, size_t* out, zt_error* error);
/* Any thread. Differences are read with the base; patches are read without it. */
ZT_API zt_code zt_tensor_changes(const zt_source* source, size_t tensor, size_t piece, zt_changes* out,
                                 zt_error* error);

#ifdef __cplusplus
}
#endif

#endif
