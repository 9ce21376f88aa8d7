/* Prints the tensors of a file of any format, and the sum of the float32 tensor NAME, which it maps and does not copy.
 *
 * usage: map FILE [NAME] */
#include <stdio.h>
#include <ztensor/c.h>

static int fail(const zt_error* error) {
  fprintf(stderr, "%s (%s)\n", error->message, zt_code_name(error->code));
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: map FILE [NAME]\n");
    return 2;
  }
  zt_error error = {.size = sizeof error};
  zt_source* source = NULL;
  if (zt_open(argv[1], NULL, &source, &error)) return fail(&error);

  zt_tensor_info info = {.size = sizeof info};
  for (size_t i = 0; i < zt_source_tensors(source); ++i) {
    if (zt_tensor_get(source, i, &info, &error)) return fail(&error);
    printf("%.*s %s [", (int)info.name.length, info.name.data, zt_dtype_name(info.dtype));
    for (size_t axis = 0; axis < info.rank; ++axis) printf(axis ? ", %ju" : "%ju", (uintmax_t)info.shape[axis]);
    puts(info.readable ? "]" : "] cannot be read");
  }

  if (argc > 2) {
    size_t tensor = 0;
    zt_bytes bytes = {0};
    if (zt_tensor_find(source, argv[2], &tensor, &error)) return fail(&error);
    if (zt_tensor_get(source, tensor, &info, &error)) return fail(&error);
    if (info.dtype != ZT_FLOAT32) {
      fprintf(stderr, "%s is no float32 tensor\n", argv[2]);
      return 1;
    }
    if (zt_tensor_map(source, tensor, ZT_VERIFY_DEFAULT, &bytes, &error)) return fail(&error);
    if ((uintptr_t)bytes.data % sizeof(float) != 0) { /* formats other than .zt may place elements anywhere */
      fprintf(stderr, "%s is not aligned: read it with zt_tensor_read()\n", argv[2]);
      return 1;
    }
    const float* elements = bytes.data;
    double sum = 0;
    for (uint64_t i = 0; i < info.elements; ++i) sum += elements[i];
    printf("sum of %s: %g\n", argv[2], sum);
    zt_bytes_free(&bytes); /* until here it may be read, even after zt_source_close() */
  }
  zt_source_close(source);
  return 0;
}
