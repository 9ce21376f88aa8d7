/* Writes a tensor, maps it, and prints its sum. */
#include <stdio.h>
#include <ztensor/c.h>

int main(int argc, char** argv) {
  zt_error error = {.size = sizeof error};
  const float data[3] = {1, 2, 3};
  const uint64_t shape[1] = {3};
  const zt_array array = {.size = sizeof array, .dtype = ZT_FLOAT32, .shape = shape, .rank = 1, .data = data};
  zt_writer* writer = NULL;
  zt_source* source = NULL;
  zt_bytes bytes = {0};
  if (argc != 2 || zt_writer_create(argv[1], ZT_MODE_REPLACE, NULL, &writer, &error) ||
      zt_writer_add(writer, "w", &array, NULL, &error) || zt_writer_finalize(writer, &error) ||
      zt_open(argv[1], NULL, &source, &error) || zt_tensor_map(source, 0, ZT_VERIFY_ALWAYS, &bytes, &error)) {
    fprintf(stderr, "%s: %s\n", zt_code_name(error.code), error.message);
    return 1;
  }
  zt_writer_free(writer);
  zt_source_close(source);
  const float* view = bytes.data;
  printf("%s %g\n", zt_version(), view[0] + view[1] + view[2]);
  zt_bytes_free(&bytes);
  return 0;
}
