# `cpack -G DEB` makes a Debian package of what `cmake --install` installs. Configure with CMAKE_INSTALL_PREFIX=/usr, so
# that the libraries go where Debian has them.
set(CPACK_PACKAGE_NAME ztensor)
set(CPACK_PACKAGE_CONTACT "zTensor maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
string(CONCAT CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "A command, and a library for C and C++: shared, static, and the headers.\n"
  "Tensor files are mapped and read without copying. Arrays may be compressed,\n"
  "and each has a checksum. Files of safetensors, GGUF, PyTorch, NumPy and ONNX\n"
  "are read too.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Whoever links the static library needs these as well.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
  "libzstd-dev, libutf8proc-dev, zlib1g-dev, libisal-dev, libssl-dev, libsimdjson-dev, pkg-config")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# CPack tells ldconfig of libraries in /usr/lib, but not of those in the folder of an architecture.
file(WRITE ${PROJECT_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/triggers)
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/ztensor RENAME copyright)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/licenses/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/ztensor)
endif()
include(CPack)
